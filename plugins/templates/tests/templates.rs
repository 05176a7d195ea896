//! Tests the templates that a worker sees for a customer.

use std::fs;
use std::path::Path;

use frontgate_sdk::{Category, Customer, Error, Result, TemplateRequest, Templates as _, testing};
use tempfile::TempDir;
use templates::TemplateFile;

const ANA: &str = "ana.lind@example.org";

/// A file with all kinds of templates.
const FILE: &str = r#"
[[category]]
name = { en = "Greetings", de = "Begrüßung" }
template = [
    { text = { en = "Hi {customer.first_name}", de = "Guten Tag {customer.name}" }, whatsapp_approved = ["de"] },
    { text = { en = "{worker.name} here", fr = "C'est {worker.name}" }, whatsapp_approved = true },
    { text = { de = "Nur deutsch" } },
    { text = "{worker.first_name}, {worker.identity}" },
]

[[category]]
name = "Orders"
template = [{ text = { en = "Order of {customer.id}", de = " " } }]
"#;

/// Calls the plugin with this file and these settings.
fn ask(file: &str, settings: &[(&str, &str)], worker: &str, customer_id: Option<&str>) -> Result<Vec<Category>> {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("templates.toml");
    fs::write(&path, file).expect("a file");
    let path = path.to_str().expect("a path").to_owned();
    let settings = settings.iter().map(|&(key, value)| (key.to_owned(), value.to_owned()));
    testing::settings(settings.chain([("templates".to_owned(), path.clone())]));
    let request = TemplateRequest {
        worker: worker.to_owned(),
        customer_id: customer_id.map(str::to_owned),
        conversation_sid: None,
    };
    TemplateFile::list_templates(request).map_err(|error| match error {
        Error::Failed(problem) => Error::Failed(problem.replace(&path, "templates.toml")),
        other => other,
    })
}

/// Returns one line for each category and for each of its templates. Approved templates have a star.
fn shown(categories: Result<Vec<Category>>) -> Vec<String> {
    let lines = |category: Category| {
        let templates = category.templates.into_iter();
        let lines = templates
            .map(|template| format!("{}{}", ["-", "*"][usize::from(template.whatsapp_approved)], template.content));
        [category.display_name].into_iter().chain(lines).collect::<Vec<_>>()
    };
    categories.expect("templates").into_iter().flat_map(lines).collect()
}

#[test]
fn texts_are_in_the_customers_language_or_the_default() {
    testing::customers([
        Customer::new("en", "Mora Lind").sms("+12025550107"),
        Customer::new("de", "Otto Vale").whatsapp("+4915155501070").sms("+12025550107"),
        Customer::new("fr", "Chloé Quist").sms("+33199001633"),
        Customer::new("at", "Hana Holm").sms("+436605550107"),
        Customer::new("none", "Irma Roe"),
    ]);
    let settings = [
        ("language", "en"),
        ("languages.+4", "fr"),
        ("languages.+43", "de"),
        ("languages.+49", "de"),
        ("languages.+33", "fr"),
    ];
    let english = |name: &str, id: &str| {
        let greetings =
            ["Greetings", "-Hi NAME", "*Ana Lind here", "-Ana, ana.lind@example.org", "Orders", "-Order of ID"];
        greetings.map(|line| line.replace("NAME", name).replace("ID", id)).to_vec()
    };
    let german = |name: &str, id: &str| {
        let greetings = [
            "Begrüßung",
            "*Guten Tag NAME",
            "*Ana Lind here",
            "-Nur deutsch",
            "-Ana, ana.lind@example.org",
            "Orders",
            "-Order of ID",
        ];
        greetings.map(|line| line.replace("NAME", name).replace("ID", id)).to_vec()
    };
    let french =
        english("Chloé", "fr").into_iter().map(|line| line.replace("Ana Lind here", "C'est Ana Lind")).collect();
    let table: [(&str, Vec<String>); 5] = [
        ("en", english("Mora", "en")),
        ("de", german("Otto Vale", "de")),
        ("fr", french),
        ("at", german("Hana Holm", "at")),
        ("none", english("Irma", "none")),
    ];
    for (id, want) in table {
        assert_eq!(shown(ask(FILE, &settings, ANA, Some(id))), want, "{id}");
    }
    assert!(testing::logged().is_empty());
}

#[test]
fn without_a_customer_only_texts_without_placeholders_remain() {
    let left = ["Greetings", "*Ana Lind here", "-Ana, ana.lind@example.org"];
    assert_eq!(shown(ask(FILE, &[("language", "en")], ANA, None)), left);
}

#[test]
fn an_invisible_customer_is_not_found_even_if_no_text_needs_one() {
    testing::customers([Customer::new("7", "Mora Lind").owned_by("ben@example.org")]);
    let file = "category = [{ name = 'A', template = [{ text = 'Hello' }] }]";
    for id in ["7", "8"] {
        assert_eq!(ask(file, &[], ANA, Some(id)), Err(Error::NotFound));
    }
    assert_eq!(shown(ask(file, &[], "ben@example.org", Some("7"))), ["A", "-Hello"]);
}

#[test]
fn workers_have_their_configured_name() {
    let file = "category = [{ name = 'A', template = [{ text = '{worker.name}|{worker.first_name}' }] }]";
    let settings = [("workers.ana.lind@example.org", "Dr. Ana Lind")];
    assert_eq!(shown(ask(file, &settings, "Ana.Lind@example.org", None)), ["A", "-Dr. Ana Lind|Dr."]);
    assert_eq!(shown(ask(file, &settings, "otto@example.org", None)), ["A", "-Otto|Otto"]);
    // A greeting with the worker's name is omitted for a worker without a name.
    assert!(shown(ask(file, &settings, "@example.org", None)).is_empty());
}

#[test]
fn customers_names_are_inserted_literally() {
    testing::customers([Customer::new("{worker.name}", "  {customer.id}}} $1  ")]);
    let file = "category = [{ name = '{A}', template = [{ text = '{customer.name} {customer.id} {customer.name}' }] }]";
    let want = ["{A}", "-{customer.id}}} $1 {worker.name} {customer.id}}} $1"];
    assert_eq!(shown(ask(file, &[], ANA, Some("{worker.name}"))), want);
}

#[test]
fn too_long_texts_are_omitted_with_a_warning_that_does_not_show_them() {
    testing::customers([Customer::new("7", "é".repeat(1590)), Customer::new("8", "é".repeat(1591))]);
    let file = "category = [{ name = 'A', template = [{ text = '0123456789{customer.name}' }, { text = 'Hello' }] }]";
    assert_eq!(shown(ask(file, &[], ANA, Some("7"))).len(), 3);
    assert!(testing::logged().is_empty());
    assert_eq!(shown(ask(file, &[], ANA, Some("8"))), ["A", "-Hello"]);
    let warning = "warn: category `A`: omitted 1 templates that are longer than 1600 characters";
    assert_eq!(testing::logged(), [warning]);
}

#[test]
fn several_languages_need_a_default() {
    let one = "category = [{ name = 'A', template = [{ text = { de = 'Hallo' }, whatsapp_approved = ['de'] }] }]";
    assert_eq!(shown(ask(one, &[], ANA, None)), ["A", "*Hallo"]);
    let wrong = Error::failed("setting `language` is `dee`, but `templates.toml` has only de");
    assert_eq!(ask(one, &[("language", "dee")], ANA, None), Err(wrong));
    let missing = Error::failed("the setting `language` is missing: name one of de, en, fr");
    assert_eq!(ask(FILE, &[], ANA, None), Err(missing));

    assert_eq!(shown(ask(one, &[("languages.+49", "ge")], ANA, None)), ["A", "*Hallo"]);
    let [warning] = testing::logged().try_into().expect("one line");
    assert!(warning.ends_with("has no text in the language of the setting `languages.+49`"), "{warning}");
}

#[test]
fn an_invalid_file_is_rejected_without_showing_its_texts() {
    let known = "known placeholders: {customer.name}, {customer.first_name}, {customer.id}, {worker.name}, \
                 {worker.first_name}, {worker.identity}";
    let unknown = format!("`templates.toml`: category `A`: unknown placeholder `{{customer.nam}}`; {known}");
    let template = |template: &str| format!("category = [{{ name = 'A', template = [{{ {template} }}] }}]");
    let table = [
        (template("text = { en = 'Hi', de = 'Hallo {customer.nam}' }"), unknown.as_str()),
        (
            template("text = 'Hi {'"),
            "`templates.toml`: category `A`: unmatched `{`; write `{{` for the character itself",
        ),
        (template("text = ''"), "`templates.toml`: category `A`: a template has no text"),
        (
            template("text = { en = 'Hi' }, whatsapp_approved = ['de']"),
            "`templates.toml`: category `A`: `whatsapp_approved` names `de`, but the template has no text in that language",
        ),
        (
            template("text = 'Hi', whatsapp_approved = 'yes'"),
            "`templates.toml`, line 1: expected true, false, or a list of languages",
        ),
        (
            template("txt = 'Hi'"),
            "`templates.toml`, line 1: unknown field `txt`, expected `text` or `whatsapp_approved`",
        ),
        (template("text = 5"), "`templates.toml`, line 1: expected a text, or a table with a text for each language"),
        (
            "\n[[categories]]\nname = 'A'".to_owned(),
            "`templates.toml`, line 2: unknown field `categories`, expected `category`",
        ),
        ("\n\n[[category]]\ntemplate = 'Secret'".to_owned(), "`templates.toml`, line 4: expected a sequence"),
        ("category = [{ name = ' ' }]".to_owned(), "`templates.toml`: a category has no name"),
        ("\n[[category]]\nname = \"Secret".to_owned(), "`templates.toml`, line 3: invalid basic string, expected `\"`"),
    ];
    for (file, want) in table {
        assert_eq!(ask(&file, &[("language", "en")], ANA, None), Err(Error::failed(want)), "{file}");
    }
}

#[test]
fn invalid_settings_are_rejected() {
    let table = [
        (("languages.49", "de"), "setting `languages.49`: no calling code; write for example \"+49\""),
        (
            ("worker.ana@example.org", "Ana"),
            "unknown setting `worker.ana@example.org`: did you mean `workers.ana@example.org`?",
        ),
        (("template", "x.toml"), "unknown setting `template`: did you mean `templates`?"),
    ];
    for (setting, want) in table {
        assert_eq!(ask(FILE, &[("language", "en"), setting], ANA, None), Err(Error::failed(want)));
    }
    testing::settings([("language", "en")]);
    let request = || TemplateRequest { worker: ANA.to_owned(), customer_id: None, conversation_sid: None };
    let missing = "the setting `templates` is missing: name a .toml file in the granted folder";
    assert_eq!(TemplateFile::list_templates(request()), Err(Error::failed(missing)));
    testing::settings([("templates", "no/such.toml")]);
    assert!(matches!(TemplateFile::list_templates(request()), Err(Error::Unavailable(_))));
}

#[test]
fn the_example_is_complete_in_every_language() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/templates/templates.toml");
    let file = fs::read_to_string(path).expect("the example");
    testing::customers([Customer::new("7", "Mora Lind").sms("+12025550107")]);
    let mut all = Vec::new();
    for language in ["en", "de", "fr"] {
        let settings = [("language", "en"), ("languages.+1", language)];
        let categories = ask(&file, &settings, ANA, Some("7")).expect("templates");
        let counts: Vec<usize> = categories.iter().map(|category| category.templates.len()).collect();
        assert_eq!(counts, [2, 3, 3], "{language}");
        all.push(shown(Ok(categories)));
    }
    assert!(all[0] != all[1] && all[1] != all[2]);
    assert!(testing::logged().is_empty());
}
