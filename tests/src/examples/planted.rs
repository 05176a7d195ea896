//! Inserts typical mistakes of authors into the examples; `frontgate plugin test` must detect and name each mistake.

use crate::examples::{Edit, Example};

/// A kind of mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// Every page except the first one lacks its first customer.
    Gap,
    /// WhatsApp addresses lack their prefix.
    WrongField,
    /// A text is returned instead of a record; compilers of typed languages reject it.
    WrongType,
    /// A search never ends.
    Slow,
    /// Notes are three megabytes long.
    TooLarge,
    /// If the CRM fails, the list of customers is empty.
    Silent,
}

impl Example {
    /// Builds the example with a mistake, or returns `None` if its compiler would reject the mistake.
    pub fn build_mistaken(self, mistake: Mistake) -> Option<Vec<u8>> {
        edit_for(self, mistake).map(|edit| self.build_with(&[edit]))
    }
}

fn edit(file: &'static str, from: &'static str, to: &'static str) -> Option<Edit> {
    Some(Edit { file, from, to })
}

fn edit_for(example: Example, mistake: Mistake) -> Option<Edit> {
    match example {
        Example::Rust => rust(mistake),
        Example::Python => python(mistake),
        Example::JavaScript => javascript(mistake),
        Example::TypeScript => typescript(mistake),
        Example::C => c(mistake),
        Example::Go => go(mistake),
    }
}

fn rust(mistake: Mistake) -> Option<Edit> {
    match mistake {
        Mistake::Gap => edit(
            "src/lib.rs",
            "page.contacts.into_iter().map(Contact::summary)",
            "page.contacts.into_iter().skip(usize::from(matches!(start, Start::Cursor(_)))).map(Contact::summary)",
        ),
        Mistake::WrongField => edit(
            "src/contact.rs",
            "customer = customer.whatsapp(&phone.number);",
            "let (kind, value) = (\"whatsapp\".to_owned(), phone.number.clone());
             customer.channels.push(frontgate_sdk::ContactChannel { kind, value });",
        ),
        Mistake::WrongType => None,
        Mistake::Slow => edit(
            "src/lib.rs",
            "let page_size = request.page_size as usize;",
            "while request.query.is_some() {}\nlet page_size = request.page_size as usize;",
        ),
        Mistake::TooLarge => edit(
            "src/contact.rs",
            "customer.details(\"Notes\", notes)",
            "customer.details(\"Notes\", notes + &\"x\".repeat(3 << 20))",
        ),
        Mistake::Silent => edit(
            "src/lib.rs",
            "api::contacts(&filter, page_size - customers.len(), &start)?;",
            "api::contacts(&filter, page_size - customers.len(), &start)
                 .unwrap_or(api::Page { contacts: Vec::new(), next_cursor: None });",
        ),
    }
}

fn python(mistake: Mistake) -> Option<Edit> {
    match mistake {
        Mistake::Gap => edit(
            "src/crm.py",
            "map(contact.summary, page.contacts)",
            "map(contact.summary, page.contacts[cursor is not None :])",
        ),
        Mistake::WrongField => edit("src/contact.py", "f\"whatsapp:{phone.number}\"", "phone.number"),
        Mistake::WrongType => edit("src/contact.py", "Details(\"Notes\", contact.notes)", "contact.notes"),
        Mistake::Slow => edit(
            "src/crm.py",
            "        customers = []\n",
            "        while request.query: pass\n        customers = []\n",
        ),
        Mistake::TooLarge => edit(
            "src/contact.py",
            "Details(\"Notes\", contact.notes)",
            "Details(\"Notes\", contact.notes + \"x\" * (3 << 20))",
        ),
        Mistake::Silent => edit(
            "src/api.py",
            "    if answer.status != 200:\n        refuse(answer)\n",
            "    if answer.status != 200:\n        return {\"contacts\": []}\n",
        ),
    }
}

fn javascript(mistake: Mistake) -> Option<Edit> {
    match mistake {
        Mistake::WrongType => edit("src/contact.js", "{ title: 'Notes', content: notes }", "notes"),
        Mistake::Gap | Mistake::Slow => script("src/crm.js", mistake),
        Mistake::WrongField | Mistake::TooLarge => script("src/contact.js", mistake),
        Mistake::Silent => script("src/api.js", mistake),
    }
}

fn typescript(mistake: Mistake) -> Option<Edit> {
    match mistake {
        Mistake::WrongType => edit(
            "src/contact.ts",
            "{ title: 'Notes', content: notes }",
            "(notes as unknown as { title: string; content: string })",
        ),
        Mistake::Gap | Mistake::Slow => script("src/crm.ts", mistake),
        Mistake::WrongField | Mistake::TooLarge => script("src/contact.ts", mistake),
        Mistake::Silent => script("src/api.ts", mistake),
    }
}

/// Returns the edit for a mistake; JavaScript and TypeScript share these edits.
fn script(file: &'static str, mistake: Mistake) -> Option<Edit> {
    match mistake {
        Mistake::Gap => {
            edit(file, "page.contacts.map(summary)", "page.contacts.slice(cursor === null ? 0 : 1).map(summary)")
        }
        Mistake::WrongField => edit(file, "value: `whatsapp:${number}`", "value: number"),
        Mistake::Slow => edit(file, "const after = position", "while (query) {}\n    const after = position"),
        Mistake::TooLarge => edit(file, "content: notes }", "content: notes + 'x'.repeat(3 << 20) }"),
        Mistake::Silent => edit(
            file,
            "if (answer.status !== 200) throw refused(answer);",
            "if (answer.status !== 200) return { contacts: [] };",
        ),
        Mistake::WrongType => None,
    }
}

fn c(mistake: Mistake) -> Option<Edit> {
    match mistake {
        Mistake::Gap => edit(
            "src/crm.c",
            "    if (!add_rows(page, contacts, error)) return false;\n",
            "    json rest = *contacts;
             if (request->position.tag == EXPORTS_FRONTGATE_PLUGIN_CRM_POSITION_TOKEN && rest.first != NULL) {
               rest.first = rest.first->next;
             }
             if (!add_rows(page, &rest, error)) return false;\n",
        ),
        Mistake::WrongField => edit("src/contact.c", "      line_add(&address, TEXT(\"whatsapp:\"));\n", ""),
        Mistake::WrongType => None,
        Mistake::Slow => edit(
            "src/crm.c",
            "  maybe_text cursor = {0};\n",
            "  for (volatile int i = 0; request->query.is_some; i++) {}\n  maybe_text cursor = {0};\n",
        ),
        Mistake::TooLarge => edit(
            "src/contact.c",
            "set(&customer->details.val.content, contact->notes.text);",
            "set(&customer->details.val.content, (text){calloc(3 << 20, 1), 3 << 20});",
        ),
        Mistake::Silent => edit(
            "src/api.c",
            "    refused(arena, &answer, why);\n",
            "    read = json_parse(arena, TEXT(\"{\\\"contacts\\\":[]}\"));\n",
        ),
    }
}

fn go(mistake: Mistake) -> Option<Edit> {
    match mistake {
        Mistake::Gap => edit(
            "src/crm.go",
            "for _, contact := range page.Contacts {\n",
            "for at, contact := range page.Contacts {\n\t\t\tif at == 0 && asked.cursor != nil {\n\t\t\t\tcontinue\n\t\t\t}\n",
        ),
        Mistake::WrongField => edit("src/contact.go", "Value: \"whatsapp:\" + number", "Value: number"),
        Mistake::WrongType => None,
        Mistake::Slow => edit(
            "src/crm.go",
            "\tcustomers, pageSize :=",
            "\tfor request.Query.IsSome() {\n\t}\n\tcustomers, pageSize :=",
        ),
        Mistake::TooLarge => {
            edit("src/contact.go", "Content: *c.Notes", "Content: *c.Notes + string(make([]byte, 3<<20))")
        }
        Mistake::Silent => edit(
            "src/api.go",
            "\t\treturn false, refused(answer)\n",
            "\t\treturn true, json.Unmarshal([]byte(`{\"contacts\":[]}`), value)\n",
        ),
    }
}
