//! Forms of Twilio's own repositories: `twilio` and `twilio-labs`.

use serde_json::json;

use super::{CH, Company, DAVE, Error, Exactly, Like, MB, SMS, WHATSAPP};

/// Unit tests in `frontline-quickstart/tests`. Their server answers 422 and 403 where the gateway answers 400 and 404.
#[test]
fn forms_of_function_templates_unit_tests_are_answered() {
    let worker = "testworker";
    let customers = "1,Test Customer 1,+12223334444,,testworker\n2,Test Customer 2,+12223334445,,testworker\n";
    let company = Company::start(customers, worker);
    let (customer, list) = (("CustomerId", "1"), ("Location", "GetCustomersList"));
    let (proxy, templates) = (("Location", "GetProxyAddress"), ("Location", "GetTemplatesByCustomerId"));
    let customers = json!([{ "customer_id": "1" }, { "customer_id": "2" }]);
    company.assert(vec![
        (
            "crm",
            &[customer, ("Location", "GetCustomerDetailsByCustomerId")],
            Like(json!({ "objects": { "customer": { "customer_id": "1", "display_name": "Test Customer 1" } } })),
        ),
        ("crm", &[("Worker", worker), list], Like(json!({ "objects": { "customers": customers } }))),
        ("crm", &[], Error(400, "missing-parameter")),
        ("outgoing-conversation", &[proxy, ("ChannelType", "sms")], Exactly(json!({ "proxy_address": SMS }))),
        ("outgoing-conversation", &[("ChannelType", "sms")], Error(400, "missing-parameter")),
        ("outgoing-conversation", &[proxy, ("ChannelType", "notexistentchanneltype")], Error(404, "not-found")),
        ("outgoing-conversation", &[proxy], Error(400, "missing-parameter")),
        (
            "templates",
            &[customer, templates],
            Exactly(json!([{
                "display_name": "Meeting reminders",
                "templates": [{ "content": "Hi Test, this is Testworker.", "whatsAppApproved": true }],
            }])),
        ),
        ("templates", &[customer], Error(400, "missing-parameter")),
        (
            "twilio-conversations",
            &[("EventType", "onConversationAdd"), ("MessagingBinding.Address", "+000000")],
            Exactly(json!({ "friendly_name": "+000000", "attributes": "{}" })),
        ),
    ]);
}

/// The SIDs of these unit tests are shorter than Twilio's.
#[test]
fn forms_of_function_templates_unit_tests_reach_twilio() {
    let company = Company::start("1,Test Customer 1,+12223334444,,testworker\n", "testworker");
    let (conversation, address) = (("ConversationSid", "CH12345"), ("MessagingBinding.Address", "+12223334444"));
    let added = ("EventType", "onParticipantAdded");
    company.assert(vec![
        ("routing", &[conversation, address], Exactly(json!({}))),
        ("twilio-conversations", &[added, conversation, ("ParticipantSid", "MB12345"), address], Exactly(json!({}))),
    ]);
    company.wait_for_worker("CH12345", "testworker");
    company.twilio.wait_for(|state| {
        state.requests().iter().any(|sent| sent.path == "/v1/Conversations/CH12345/Participants/MB12345")
    });
    drop(company.gateway);
    company.twilio.take_deviations();
}

/// Fields that the code of `frontline-demo-service` reads. It pages by `Anchor`, and has one placeholder test.
#[test]
fn forms_of_the_demo_service_are_answered() {
    let customers = "1,Bobby Shaftoe,+12025550101,,john@example.com\n2,Eva Lind,+12025550102,,john@example.com\n";
    let company = Company::start(customers, "john@example.com");
    let (worker, customer) = (("Worker", "john@example.com"), ("CustomerId", "1"));
    let (list, size) = (("Location", "GetCustomersList"), ("PageSize", "1"));
    let proxy = [worker, customer, ("Location", "GetProxyAddress")];
    let sms = [("ChannelType", "sms"), ("ChannelValue", "+12025550101")];
    let names = |name: &str| Like(json!({ "objects": { "customers": [{ "display_name": name }] } }));
    company.assert(vec![
        ("crm", &[list, worker, size], names("Bobby Shaftoe")),
        ("crm", &[list, worker, size, ("Anchor", "1")], names("Eva Lind")),
        ("crm", &[list, worker, size, ("Anchor", "2")], Like(json!({ "objects": { "customers": [] } }))),
        // The demo ends without an answer.
        (
            "crm",
            &[worker, ("Location", "GetCustomerDetailsByCustomerId"), ("CustomerId", "9")],
            Error(404, "not-found"),
        ),
        ("crm", &[worker, ("Location", "GetCustomerDetailsByPhone")], Error(400, "unknown-location")),
        ("outgoing-conversation", &[&proxy[..], &sms].concat(), Exactly(json!({ "proxy_address": SMS }))),
        (
            "templates",
            &[("Location", "GetTemplatesByCustomerId"), customer, worker, ("ConversationSid", CH)],
            Like(json!([{ "templates": [{ "content": "Hi Bobby, this is John." }] }])),
        ),
        (
            "conversations",
            &[("EventType", "onConversationAdd"), ("MessagingBinding.Address", "+12025550101")],
            Exactly(json!({ "friendly_name": "Bobby Shaftoe", "attributes": "{}" })),
        ),
        ("conversations", &[("EventType", "onConversationAdd")], Exactly(json!({}))),
        (
            "conversations",
            &[("EventType", "onParticipantAdded"), ("ConversationSid", CH), ("ParticipantSid", MB), ("Identity", DAVE)],
            Exactly(json!({})),
        ),
        ("conversations", &[("EventType", "onSomethingElse")], Exactly(json!({}))),
    ]);
}

/// `frontline-hubspot-serverless-quickstart`: `Anchor` is HubSpot's cursor, and a participant that has a `customer_id` is
/// not looked up. It also reads `location` in lower case, which version 1 sent in the query.
#[test]
fn forms_of_the_hubspot_quickstart_are_answered() {
    let company = Company::start("501,Maria Johnson,,+12025550103,\n", DAVE);
    let participant = [
        ("EventType", "onParticipantAdded"),
        ("ConversationSid", CH),
        ("ParticipantSid", MB),
        ("MessagingBinding.Type", "whatsapp"),
        ("MessagingBinding.Address", "whatsapp:+12025550103"),
    ];
    let known = [&participant[..], &[("Attributes", "{\"customer_id\":\"501\"}")]].concat();
    company.assert(vec![
        (
            "crm",
            &[("Location", "GetCustomersList"), ("Worker", DAVE), ("PageSize", "30")],
            Like(json!({ "objects": { "customers": [{ "customer_id": "501" }] } })),
        ),
        ("crm", &[("location", "GetCustomersList"), ("Worker", DAVE)], Error(400, "missing-parameter")),
        ("crm?location=GetCustomersList", &[("Worker", DAVE)], Error(400, "callback-version-1")),
        // A participant who is not in the CRM has no `CustomerId`; the template needs a name, so it is left out.
        ("templates", &[("Location", "GetTemplatesByCustomerId"), ("Worker", DAVE)], Like(json!([]))),
        ("conversations", &known, Exactly(json!({}))),
        ("conversations", &[&participant[..], &[("Attributes", "{}")]].concat(), Exactly(json!({}))),
    ]);
}

/// `frontline-salesforce-serverless-quickstart` and `hls-frontline-pharma`: customers are searched by `Query`, and a
/// conversation is routed by the number that the customer wrote to.
#[test]
fn forms_of_the_salesforce_quickstarts_are_answered() {
    let customers = "003A,Jane Grey,+12025550104,+12025550104,dave@example.com\n003B,Ed Stamos,+12025550105,,\n";
    let company = Company::start(customers, DAVE);
    let (worker, list) = (("Worker", DAVE), ("Location", "GetCustomersList"));
    let proxy = [worker, ("Location", "GetProxyAddress")];
    let conversation = [("ConversationSid", CH), ("MessagingBinding.Address", "whatsapp:+12025550104")];
    let with = |event: &'static str| [&[("EventType", event)][..], &conversation].concat();
    company.assert(vec![
        (
            "crm",
            &[worker, list, ("PageSize", "30"), ("Query", "Grey")],
            Like(json!({ "objects": { "customers": [{ "customer_id": "003A" }], "searchable": true } })),
        ),
        // They answer a bare list, to end the paging.
        (
            "crm",
            &[worker, list, ("PageSize", "30"), ("Anchor", "003A")],
            Like(json!({ "objects": { "customers": [] } })),
        ),
        (
            "crm",
            &[worker, ("Location", "GetCustomerDetailsByCustomerId"), ("CustomerId", "003A")],
            Like(json!({ "objects": { "customer": { "channels": [
                { "type": "sms", "value": "+12025550104" },
                { "type": "whatsapp", "value": "whatsapp:+12025550104" },
            ] } } })),
        ),
        (
            "outgoing-conversation",
            &[&proxy[..], &[("ChannelType", "whatsapp")]].concat(),
            Exactly(json!({ "proxy_address": format!("whatsapp:{WHATSAPP}") })),
        ),
        ("conversations", &with("onConversationAdded"), Exactly(json!({}))),
        ("conversations", &[&with("onParticipantAdded")[..], &[("ParticipantSid", MB)]].concat(), Exactly(json!({}))),
        // A message that is only a picture has no `Body`.
        ("conversations", &with("onMessageAdd"), Exactly(json!({}))),
        (
            "conversations",
            &[&with("onConversationStateUpdated")[..], &[("StateTo", "closed")]].concat(),
            Exactly(json!({})),
        ),
        ("routing", &[("ConversationSid", CH), ("MessagingBinding.ProxyAddress", SMS)], Exactly(json!({}))),
    ]);
    company.wait_for_worker(CH, DAVE);
}

/// `frontline-airtable-serverless-quickstart`: its page in the browser adds two operations of its own.
#[test]
fn forms_of_the_airtable_quickstart_are_answered() {
    let company = Company::start("rec1,Ada Byron,+12025550106,,dave@example.com\n", DAVE);
    let channels = "[{\"type\":\"sms\",\"value\":\"+12025550107\"}]";
    let created = [("Location", "CreateCustomer"), ("DisplayName", "Lee"), ("Channels", channels), ("Worker", DAVE)];
    let message = [("ConversationSid", CH), ("Body", "STOP"), ("Author", "+12025550106")];
    let list = [("Location", "GetCustomersList"), ("Worker", DAVE), ("PageSize", "30"), ("Anchor", "0")];
    company.assert(vec![
        ("crm", &created, Error(400, "unknown-location")),
        ("crm", &[("Location", "DeleteCustomer"), ("CustomerId", "rec1")], Error(400, "unknown-location")),
        ("crm", &list, Like(json!({ "objects": { "customers": [] } }))),
        ("twilio-conversations", &[&[("EventType", "onMessageAdd")][..], &message].concat(), Exactly(json!({}))),
        ("twilio-conversations", &[&[("EventType", "onMessageAdded")][..], &message].concat(), Exactly(json!({}))),
        (
            "twilio-conversations",
            &[("EventType", "onConversationAdd"), ("MessagingBinding.Address", "+12025550106")],
            Exactly(json!({ "friendly_name": "Ada Byron", "attributes": "{}" })),
        ),
        ("routing", &[("ConversationSid", CH), ("MessagingBinding.Address", "+12025550106")], Exactly(json!({}))),
    ]);
    company.wait_for_worker(CH, DAVE);
}
