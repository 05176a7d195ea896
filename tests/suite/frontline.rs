//! Tests the callbacks for templates and outgoing conversations: accepted requests and answers.

use frontgate_tests::{Answer, Gateway, PLUGIN_ERRORS, Setup, Twilio, component};
use serde_json::{Value, json};

type Form<'f> = &'f [(&'f str, &'f str)];

const CSV: &str = "Id,Name,Phone,WhatsApp,Owner
c-1,Mora Lind,+12025550101,+12025550101,ana@example.org
c-2,Otto Vale,+442079460102,,ben@example.org
c-3,Zoë $& {customer.name},+4930901820,,
";

fn templates(gateway: &Gateway, more: Form<'_>) -> Answer {
    let sid = ("ConversationSid", "CH00000000000000000000000000000007");
    let form = [&[("Worker", "ana@example.org"), ("Location", "GetTemplatesByCustomerId"), sid], more].concat();
    gateway.callback("templates", &form)
}

fn outgoing(gateway: &Gateway, customer: &str, kind: &str, value: &str) -> Answer {
    gateway.callback(
        "outgoing-conversation",
        &[
            ("ChannelValue", value),
            ("Worker", "ana@example.org"),
            ("CustomerId", customer),
            ("ChannelType", kind),
            ("Location", "GetProxyAddress"),
        ],
    )
}

fn start_misbehaving() -> (Twilio, Gateway) {
    let twilio = Twilio::start();
    let gateway = Setup::every_role(&twilio).start();
    (twilio, gateway)
}

#[test]
fn templates_are_encoded_as_frontline_expects() {
    let (_twilio, gateway) = start_misbehaving();
    let answer = templates(&gateway, &[("CustomerId", "odd")]);
    assert_eq!(answer.status, 200, "{}", answer.text);
    let expected = json!([
        { "display_name": "two lines", "templates": [{ "content": "text" }] },
        { "display_name": "empty", "templates": [] },
        { "display_name": "approved", "templates": [{ "content": "line\nline", "whatsAppApproved": true }] },
    ]);
    assert_eq!(answer.json, expected);
}

#[test]
fn templates_can_be_requested_without_a_customer() {
    let (_twilio, gateway) = start_misbehaving();
    let text = templates(&gateway, &[]).text.replace("\\\"", "\"");
    assert!(text.contains("worker: \"ana@example.org\", customer-id: None"), "{text}");
    assert!(text.contains("conversation-sid: Some(\"CH00000000000000000000000000000007\")"), "{text}");
}

#[test]
fn templates_over_64_kib_are_cut_at_the_end() {
    let (_twilio, gateway) = start_misbehaving();
    let answer = templates(&gateway, &[("CustomerId", "many 100")]);
    assert_eq!(answer.status, 200);
    assert!(answer.text.len() <= 65_536, "{} bytes", answer.text.len());
    let categories = answer.json.as_array().expect("categories");
    assert!(categories.len() > 20 && answer.text.len() > 60_000, "{}", categories.len());
    gateway.log().wait_for("plugin's answer adjusted to Twilio's limits");
}

#[test]
fn an_invalid_callback_gets_a_status_and_a_stable_code() {
    let (_twilio, gateway) = start_misbehaving();
    for (instruction, status, code) in PLUGIN_ERRORS {
        for answer in [
            templates(&gateway, &[("CustomerId", instruction)]),
            outgoing(&gateway, instruction, "sms", "+12025550107"),
        ] {
            assert_eq!((answer.status, answer.code()), (status, code), "{instruction}");
            assert!(!answer.text.contains("text for the log"), "{}", answer.text);
        }
    }
    let elsewhere = ("Location", "GetCustomersList");
    let answer = gateway.callback("templates", &[("Worker", "ana@example.org"), elsewhere]);
    assert_eq!((answer.status, answer.code()), (400, "unknown-location"));
    let answer = gateway.callback("templates", &[("Token", "x")]);
    assert_eq!(answer.code(), "callback-version-1");
    let form = [("Location", "GetProxyAddress"), ("Worker", "x"), ("CustomerId", "x"), ("ChannelValue", "x")];
    let answer = gateway.callback("outgoing-conversation", &form);
    assert_eq!((answer.status, answer.code()), (400, "missing-parameter"));
}

#[test]
fn a_proxy_address_that_frontline_would_reject_is_rejected_early() {
    let (_twilio, gateway) = start_misbehaving();
    let (contact, ours) = ("+12025550107", "+12025550199");
    let whatsapp = |number: &str| format!("whatsapp:{number}");
    for (kind, contact, proxy, code) in [
        ("sms", contact, ours, ""),
        ("whatsapp", &whatsapp(contact), &whatsapp(ours), ""),
        ("voice", contact, ours, ""),
        ("sms", contact, contact, "proxy-address-is-contact"),
        ("whatsapp", &whatsapp(contact), &whatsapp(contact), "proxy-address-is-contact"),
        ("sms", contact, &whatsapp(ours), "proxy-address-invalid"),
        ("whatsapp", &whatsapp(contact), ours, "proxy-address-invalid"),
        ("sms", contact, "12025550199", "proxy-address-invalid"),
        ("sms", contact, "+1 202 555 0199", "proxy-address-invalid"),
        ("sms", contact, "+0202555", "proxy-address-invalid"),
        ("sms", contact, "hello", "proxy-address-invalid"),
    ] {
        let answer = outgoing(&gateway, proxy, kind, contact);
        assert_eq!(answer.code(), code, "{kind} {contact} {proxy}");
        let expected = if code.is_empty() { json!({ "proxy_address": proxy }) } else { answer.json.clone() };
        assert_eq!(answer.json, expected);
        assert_eq!(answer.status, if code.is_empty() { 200 } else { 502 });
    }
}

#[test]
fn a_plugin_queries_the_tenants_crm_through_directory() {
    let (_twilio, gateway) = start_misbehaving();
    let content_of = |instruction: &str| {
        let answer = templates(&gateway, &[("CustomerId", instruction)]);
        answer.json[0]["templates"][0]["content"].as_str().expect("a text").to_owned()
    };
    assert_eq!(content_of("directory get 7"), "Ok(\"7\")");
    assert_eq!(content_of("directory find +12025550107"), "Ok(Some(\"c-+12025550107\"))");
    assert_eq!(content_of("directory find +12025550199"), "Ok(None)");
}

#[test]
fn directory_reports_a_missing_crm() {
    let twilio = Twilio::start();
    let gateway = Setup::every_role(&twilio).set("tenants.demo.roles.crm", "[]").start();
    let answer = templates(&gateway, &[("CustomerId", "directory get 7")]);
    assert!(answer.text.contains("no live plugin has the role crm"), "{}", answer.text);
}

#[test]
fn directory_calls_succeed_while_every_call_slot_is_taken() {
    let twilio = Twilio::start();
    let gateway =
        Setup::every_role(&twilio).set("plugins.calls_max", "2").set("plugins.directory_calls_max", "1").start();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let answer = templates(&gateway, &[("CustomerId", "directory find +12025550107")]);
                    assert!(answer.text.contains("c-+12025550107"), "{}", answer.text);
                }
            });
        }
    });
}

#[test]
fn a_hanging_crm_costs_its_caller_at_most_its_own_timeout() {
    let twilio = Twilio::start();
    for find in ["sleep 60000", "loop"] {
        let gateway = Setup::every_role(&twilio)
            .set("plugins.named.plugin.config.find", format!("{find:?}"))
            .set("plugins.limits.call_timeout_ms", "300")
            .start();
        let answer = templates(&gateway, &[("CustomerId", "directory find +12025550107")]);
        // Both calls time out at the same time, and either may report the timeout first.
        let output = answer.code() == "out-of-time" || answer.text.contains("CRM call failed: ");
        assert!(output, "{find}: {}", answer.text);
    }
}

#[test]
fn cpu_time_of_directory_calls_is_charged_to_the_calling_plugin() {
    let twilio = Twilio::start();
    let find_repeatedly = |cpu_time_ms: &str| {
        let gateway = Setup::every_role(&twilio)
            .plugin("crm", &component("misbehaving"))
            .set("tenants.demo.roles.crm", "[\"crm\"]")
            .set("plugins.named.crm.config.find", "\"compute 20\"")
            .set("plugins.named.plugin.limits.cpu_time_ms", cpu_time_ms)
            .start();
        let answer = templates(&gateway, &[("CustomerId", "directory find-often +12025550107")]);
        (answer.code().to_owned(), answer.json[0]["templates"][0]["content"].clone(), gateway)
    };
    let (code, _, gateway) = find_repeatedly("50");
    assert_eq!(code, "out-of-time");
    gateway.log().wait_for("plugin call timed out: cpu_time_ms exceeded");
    let (_, output, _) = find_repeatedly("4000");
    assert_eq!(output, "20");
}

#[test]
fn bundled_templates_are_filled_for_customer_and_worker() {
    let file = "
[[category]]
name = 'Greetings'
[[category.template]]
text = { en = 'Hi {customer.first_name}, {customer.first_name}! {worker.name} here.', de = 'Guten Tag {customer.name}' }
whatsapp_approved = ['de']
[[category.template]]
text = { en = 'We are open.' }
";
    let gateway = Setup::bundled(CSV)
        .file("templates.toml", file)
        .set(
            "plugins.named.plugin.config.columns",
            "{ id = \"Id\", name = \"Name\", phone = \"Phone\", owner = \"Owner\" }",
        )
        .set("plugins.named.templates.files", "\"files\"")
        .set("plugins.named.templates.config.templates", "\"templates.toml\"")
        .set("plugins.named.templates.config.language", "\"en\"")
        .set("plugins.named.templates.config.languages", "{ \"+49\" = \"de\" }")
        .start();
    let contents = |customer: &str| -> Vec<String> {
        let answer = templates(&gateway, &[("CustomerId", customer)]);
        let templates = answer.json[0]["templates"].as_array().expect("templates").iter();
        templates.map(|template| template["content"].as_str().expect("a text").to_owned()).collect()
    };
    assert_eq!(contents("c-1"), ["Hi Mora, Mora! Ana here.", "We are open."]);
    assert_eq!(contents("c-3"), ["Guten Tag Zoë $& {customer.name}", "We are open."]);
    let answer = templates(&gateway, &[]);
    assert_eq!(answer.json[0]["templates"], json!([{ "content": "We are open." }]));
    // `c-2` is a customer of another worker, and `c-9` does not exist.
    for customer in ["c-2", "c-9"] {
        assert_eq!(templates(&gateway, &[("CustomerId", customer)]).status, 404);
    }
}

#[test]
fn a_file_of_any_length_is_read_completely() {
    let file = "[[category]]\nname = 'Greetings'\n[[category.template]]\ntext = 'We are open.'\n#";
    let gateway = Setup::bundled(CSV)
        .set("plugins.named.templates.files", "\"files\"")
        .set("plugins.named.templates.config.templates", "\"templates.toml\"")
        .file("templates.toml", file)
        .start();
    for more in 0..40 {
        let longer = file.to_owned() + &"x".repeat(more);
        std::fs::write(gateway.path("files/templates.toml"), longer).expect("a file");
        assert_eq!(templates(&gateway, &[]).json[0]["templates"], json!([{ "content": "We are open." }]), "{more}");
    }
}

#[test]
fn bundled_numbers_depend_on_worker_country_and_channel() {
    let gateway = Setup::bundled(CSV)
        .set(
            "plugins.named.plugin.config.columns",
            "{ id = \"Id\", name = \"Name\", phone = \"Phone\", whatsapp = \"WhatsApp\", owner = \"Owner\" }",
        )
        .set("plugins.named.plugin.config.own_customers_only", "false")
        .set("plugins.named.numbers.config.sms", "\"+12025550199\"")
        .set("plugins.named.numbers.config.whatsapp", "\"+12025550198\"")
        .set("plugins.named.numbers.config.countries", "{ \"+44\" = { sms = \"+442079460199\" } }")
        .start();
    let proxy = |customer: &str, kind: &str, value: &str| -> Value {
        outgoing(&gateway, customer, kind, value).json["proxy_address"].clone()
    };
    assert_eq!(proxy("c-1", "sms", "+12025550101"), "+12025550199");
    assert_eq!(proxy("c-1", "whatsapp", "whatsapp:+12025550101"), "whatsapp:+12025550198");
    assert_eq!(proxy("c-2", "sms", "+442079460102"), "+442079460199");
    let refused = outgoing(&gateway, "c-1", "sms", "+12025550177");
    assert_eq!((refused.status, refused.code()), (403, "forbidden"));
    assert_eq!(outgoing(&gateway, "c-1", "chat", "+12025550101").status, 403);
    // The address is one of another customer's.
    assert_eq!(outgoing(&gateway, "c-9", "sms", "+12025550101").status, 404);
}

#[test]
fn a_number_is_found_for_an_address_that_the_crm_does_not_know() {
    let gateway = Setup::bundled(CSV).set("plugins.named.numbers.config.sms", "\"+12025550199\"").start();
    let answer = outgoing(&gateway, "c-9", "sms", "+12025550188");
    assert_eq!((answer.status, &answer.json), (200, &json!({ "proxy_address": "+12025550199" })));
}

#[test]
fn forms_without_optional_parameters_are_answered() {
    let gateway = Setup::bundled(CSV)
        .set("plugins.named.numbers.config.sms", "\"+12025550199\"")
        .set("tenants.demo.twilio.default_worker", "\"ana@example.org\"")
        .start();
    let number = gateway.callback("outgoing-conversation", &[("Location", "GetProxyAddress"), ("ChannelType", "sms")]);
    assert_eq!((number.status, &number.json), (200, &json!({ "proxy_address": "+12025550199" })));
    // The default worker asks.
    let list = gateway.crm(&[("Location", "GetCustomersList")]).json;
    assert_eq!(list["objects"]["customers"][0]["customer_id"], "c-1");
    let details = [("Location", "GetCustomerDetailsByCustomerId"), ("CustomerId", "c-1")];
    assert_eq!(gateway.crm(&details).json["objects"]["customer"]["display_name"], "Mora Lind");
    let (_twilio, gateway) = start_misbehaving();
    let texts = gateway.callback("templates", &[("Location", "GetTemplatesByCustomerId"), ("CustomerId", "c-1")]);
    assert!(texts.text.contains("worker: \\\"\\\", customer-id"), "{}", texts.text);
}

#[test]
fn without_a_default_worker_a_callback_without_worker_asks_for_no_one() {
    let columns = "{ id = \"Id\", name = \"Name\", owner = \"Owner\" }";
    let gateway = Setup::directory(CSV).set("plugins.named.plugin.config.columns", columns).start();
    let details = |id| gateway.crm(&[("Location", "GetCustomerDetailsByCustomerId"), ("CustomerId", id)]);
    assert_eq!((details("c-1").status, details("c-3").status), (404, 200));
}

#[test]
fn a_chat_conversation_is_sent_from_an_identity_of_the_company() {
    let csv = "Id,Name,Chat\nc-1,Mora Lind,mora-in-the-chat\nc-2,Otto Vale,system\n";
    let gateway = Setup::bundled(csv).set("plugins.named.numbers.config.chat", "\"the-company-1\"").start();
    let answer = outgoing(&gateway, "c-1", "chat", "mora-in-the-chat");
    assert_eq!(answer.json, json!({ "proxy_address": "the-company-1" }), "{}", answer.text);
    let channels = |id| {
        let form = [("Location", "GetCustomerDetailsByCustomerId"), ("CustomerId", id), ("Worker", "ana@example.org")];
        gateway.crm(&form).json["objects"]["customer"]["channels"].clone()
    };
    assert_eq!(channels("c-1"), json!([{ "type": "chat", "value": "mora-in-the-chat" }]));
    assert_eq!(channels("c-2"), json!([]), "the identity is reserved");
}
