//! Limits nesting and size of a component's description, before a parser builds a model of it.
//!
//! The scan is one pass in constant memory.
//!
//! wasmparser reads nested component and instance types by unlimited recursion, and its model takes many times the
//! bytes of the description.

use anyhow::{Context as _, bail};
use wasmparser::{
    BinaryReader, ComponentTypeDeclaration, CoreType, FromReader, InstanceTypeDeclaration, Parser, Payload,
};

/// Maximum nesting of components, component types and instance types. Tools nest at most four levels.
const DEPTH_MAX: usize = 32;
/// Maximum number of types, aliases, imports, exports and instances together. A Python interpreter with the whole
/// contract and WASI has a few thousand.
const ITEMS_MAX: usize = 100_000;
/// Maximum number of imports and exports of core modules; C libraries have thousands.
const CORE_NAMES_MAX: usize = 100_000;
/// Maximum number of core modules, each of which has a memory image.
const MODULES_MAX: usize = 256;

/// Context of parser errors.
const BROKEN: &str = "it does not compile";

/// Opening bytes of types that nest, and of declarations that contain a type.
const COMPONENT_TYPE: u8 = 0x41;
const INSTANCE_TYPE: u8 = 0x42;
const DECLARED_CORE_TYPE: u8 = 0x00;
const DECLARED_TYPE: u8 = 0x01;

/// Rejects a component that exceeds one of the limits.
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

    /// Counts the types of one section. Keeps its own stack for types that nest; wasmparser reads everything else.
    fn types(&mut self, mut reader: BinaryReader<'_>, outside: usize) -> anyhow::Result<()> {
        // Number of declarations left at each level, and the kind of the level.
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

    /// Reads a declaration. For a type, reads up to the type and returns its opening byte.
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

/// The container of a declaration.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Section,
    Component,
    Instance,
}

/// Counts parameters, fields and cases of a type: each takes as much memory as a type.
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
