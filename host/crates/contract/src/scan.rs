//! Counts what a component holds before anything builds a model of it: one pass, constant memory.
//!
//! wasmparser reads nested component and instance types by recursion without a limit, and models of types take many
//! times the bytes that describe them. What passes here nests little, and is described in few items.

use anyhow::{Context as _, bail};
use wasmparser::{
    BinaryReader, ComponentTypeDeclaration, CoreType, FromReader, InstanceTypeDeclaration, Parser, Payload,
};

/// Levels of components and of component and instance types. Tools nest at most four.
const DEPTH_MAX: usize = 32;
/// Items of all kinds that the component describes itself with: types, aliases, imports, exports, instances. An
/// interpreter of Python with the whole contract and WASI has some thousands.
const ITEMS_MAX: usize = 100_000;
/// Imports and exports of the core modules inside: libraries of C have thousands.
const CORE_NAMES_MAX: usize = 100_000;
/// Core modules inside, of which each has an image of its memory.
const MODULES_MAX: usize = 256;

/// Stands before what the parser says.
const BROKEN: &str = "it does not compile";

/// Opening bytes of what nests, and of the declaration that a type stands in.
const COMPONENT_TYPE: u8 = 0x41;
const INSTANCE_TYPE: u8 = 0x42;
const DECLARED_CORE_TYPE: u8 = 0x00;
const DECLARED_TYPE: u8 = 0x01;

/// Refuses a component that nests deeply or describes itself at length.
pub(super) fn scan(wasm: &[u8]) -> anyhow::Result<()> {
    let mut counts = Counts::default();
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.context(BROKEN)?;
        match &payload {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ModuleSection { .. } => counts.module()?,
            Payload::ComponentTypeSection(section) => {
                let reader = BinaryReader::new(&wasm[section.range()], section.range().start);
                counts.types(reader, depth)?;
            }
            Payload::CoreTypeSection(section) => {
                for kind in section.clone() {
                    counts.core_type(&kind.context(BROKEN)?)?;
                }
            }
            Payload::ComponentAliasSection(section) => counts.items(section.count())?,
            Payload::ComponentImportSection(section) => counts.items(section.count())?,
            Payload::ComponentExportSection(section) => counts.items(section.count())?,
            Payload::ComponentInstanceSection(section) => counts.items(section.count())?,
            Payload::ComponentCanonicalSection(section) => counts.items(section.count())?,
            Payload::InstanceSection(section) => counts.items(section.count())?,
            Payload::ImportSection(section) => counts.core_names(section.count())?,
            Payload::ExportSection(section) => counts.core_names(section.count())?,
            _ => {}
        }
        if depth > DEPTH_MAX {
            bail!(too_deep());
        }
    }
    Ok(())
}

#[derive(Default)]
struct Counts {
    items: usize,
    core_names: usize,
    modules: usize,
}

impl Counts {
    fn items(&mut self, more: u32) -> anyhow::Result<()> {
        self.items = self.items.saturating_add(more as usize);
        if self.items > ITEMS_MAX {
            bail!("it has more than {ITEMS_MAX} types, aliases, imports and exports");
        }
        Ok(())
    }

    fn core_names(&mut self, more: u32) -> anyhow::Result<()> {
        self.core_names = self.core_names.saturating_add(more as usize);
        if self.core_names > CORE_NAMES_MAX {
            bail!("its modules have more than {CORE_NAMES_MAX} imports and exports");
        }
        Ok(())
    }

    fn module(&mut self) -> anyhow::Result<()> {
        self.modules += 1;
        if self.modules > MODULES_MAX {
            bail!("it has more than {MODULES_MAX} core modules");
        }
        Ok(())
    }

    fn core_type(&mut self, kind: &CoreType<'_>) -> anyhow::Result<()> {
        match kind {
            CoreType::Rec(group) => self.items(u32::try_from(group.types().len()).unwrap_or(u32::MAX)),
            CoreType::Module(declared) => self.items(u32::try_from(declared.len()).unwrap_or(u32::MAX)),
        }
    }

    /// The types of one section. What nests is entered with a stack of our own, everything else is read by wasmparser.
    fn types(&mut self, mut reader: BinaryReader<'_>, outside: usize) -> anyhow::Result<()> {
        // How many declarations are left at each level, and whether the level is that of a component.
        let mut open: Vec<(u32, Level)> = vec![(reader.read_var_u32().context(BROKEN)?, Level::Section)];
        while let Some((left, level)) = open.last_mut() {
            if *left == 0 {
                open.pop();
                continue;
            }
            *left -= 1;
            let level = *level;
            self.items(1)?;
            let opening = match level {
                Level::Section => Some(peek(&reader)?),
                Level::Component | Level::Instance => self.declaration(&mut reader, level)?,
            };
            let inside = match opening {
                Some(COMPONENT_TYPE) => Level::Component,
                Some(INSTANCE_TYPE) => Level::Instance,
                Some(_) => {
                    let kind = wasmparser::ComponentType::from_reader(&mut reader).context(BROKEN)?;
                    self.items(members(&kind))?;
                    continue;
                }
                None => continue,
            };
            reader.read_u8().context(BROKEN)?;
            let count = reader.read_var_u32().context(BROKEN)?;
            open.push((count, inside));
            if outside + open.len() > DEPTH_MAX {
                bail!(too_deep());
            }
        }
        Ok(())
    }

    /// Reads a declaration, unless it is of a type: then only up to the type, whose opening byte is the answer.
    fn declaration(&mut self, reader: &mut BinaryReader<'_>, level: Level) -> anyhow::Result<Option<u8>> {
        match peek(reader)? {
            DECLARED_TYPE => {
                reader.read_u8().context(BROKEN)?;
                return Ok(Some(peek(reader)?));
            }
            DECLARED_CORE_TYPE => {
                reader.read_u8().context(BROKEN)?;
                self.core_type(&CoreType::from_reader(reader).context(BROKEN)?)?;
            }
            _ if level == Level::Component => drop(ComponentTypeDeclaration::from_reader(reader).context(BROKEN)?),
            _ => drop(InstanceTypeDeclaration::from_reader(reader).context(BROKEN)?),
        }
        Ok(None)
    }
}

/// Where declarations stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Section,
    Component,
    Instance,
}

/// Parameters, fields and cases of a type: each of them takes memory as a type does.
fn members(kind: &wasmparser::ComponentType<'_>) -> u32 {
    use wasmparser::{ComponentDefinedType as D, ComponentType as T};
    let count = match kind {
        T::Func(function) => function.params.len(),
        T::Defined(D::Record(fields)) => fields.len(),
        T::Defined(D::Variant(cases)) => cases.len(),
        T::Defined(D::Tuple(types)) => types.len(),
        T::Defined(D::Enum(names) | D::Flags(names)) => names.len(),
        _ => 0,
    };
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn peek(reader: &BinaryReader<'_>) -> anyhow::Result<u8> {
    reader.clone().read_u8().context(BROKEN)
}

fn too_deep() -> String {
    format!("it nests components and their types more than {DEPTH_MAX} levels deep")
}
