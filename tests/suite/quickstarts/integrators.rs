//! Forms of repositories of integrators and customers.

use serde_json::json;

use super::{CH, Company, DAVE, Error, Exactly, Like, MB, SMS, WHATSAPP};

/// `curl` commands in the README of `tigerfarm/tfpfrontline`, and requests that its code documents. The README names the
/// channel `channelName`, which Twilio never sends: that server answers with its number for SMS.
#[test]
fn curl_commands_of_a_readme_are_answered() {
    let company = Company::start("2,Percy Shelley,+12025550102,,dave@example.com\n", DAVE);
    let (worker, customer) = (("Worker", DAVE), ("CustomerId", "2"));
    let (list, details) = (("Location", "GetCustomersList"), ("Location", "GetCustomerDetailsByCustomerId"));
    let (proxy, templates) = (("Location", "GetProxyAddress"), ("Location", "GetTemplatesByCustomerId"));
    let customer_like = || Like(json!({ "objects": { "customer": { "display_name": "Percy Shelley" } } }));
    let texts = || Like(json!([{ "templates": [{ "content": "Hi Percy, this is Dave." }] }]));
    company.assert(vec![
        ("crm", &[list, worker], Like(json!({ "objects": { "customers": [{ "customer_id": "2" }] } }))),
        ("crm", &[details, customer], customer_like()),
        ("crm", &[worker, customer, details], customer_like()),
        ("outgoing-conversation", &[proxy, ("channelName", "sms")], Error(400, "missing-parameter")),
        (
            "outgoing-conversation",
            &[("ChannelValue", "+12025550102"), worker, customer, ("ChannelType", "sms"), proxy],
            Exactly(json!({ "proxy_address": SMS })),
        ),
        ("templates", &[templates, customer], texts()),
        ("templates", &[worker, customer, templates, ("ConversationSid", CH)], texts()),
    ]);
}

/// `tigerfarm/work`, `Gunjan-twilio/frontline-google-spreadsheet-demo` and `ThunderQuoteTeam`'s integration of Azure AD:
/// version 1, which names the operation in the query, and sends a token. The answer says what to change in the console.
#[test]
fn forms_of_version_1_are_rejected_with_a_fix() {
    let company = Company::start("1,Bobby Shaftoe,+12025550101,,john@example.com\n", DAVE);
    let (worker, size, token) = (("Worker", "john@example.com"), ("PageSize", "30"), ("Token", "eyJhbGciOiJkaXIi"));
    let channel = [("Channel[type]", "sms"), ("Channel[value]", "+12025550101"), ("CustomerId", "1")];
    let old = || Error(400, "callback-version-1");
    company.assert(vec![
        ("crm?location=GetCustomersList", &[worker, size], old()),
        ("crm?location=GetCustomerDetailsByCustomerId", &[worker, ("CustomerId", "1")], old()),
        ("crm", &[size, worker, token], old()),
        ("outgoing-conversation?location=GetProxyAddress", &channel, old()),
        ("templates?location=GetTemplatesByCustomerId", &[("CustomerId", "1"), ("ConversationSid", CH)], old()),
    ]);
    let answer = company.gateway.callback("crm", &[size, worker, token]);
    assert!(answer.text.contains("choose version 2"), "{}", answer.text);
}

/// `impactupgrade/nucleus-engine`, the most complete reading of Twilio's documentation: tokens of pages, searches, and
/// groups with an author.
#[test]
fn forms_of_a_java_service_with_groups_are_answered() {
    let customers = "a1,Nora Fields,+12025550101,,dave@example.com\na2,Ben Fields,+12025550102,,dave@example.com\n";
    let company = Company::start(customers, DAVE);
    let (worker, list) = (("Worker", DAVE), ("Location", "GetCustomersList"));
    let page = [list, worker, ("PageSize", "1")];
    let first = company.gateway.crm(&page).json;
    let token = first["objects"]["next_page_token"].as_str().expect("a token").to_owned();
    let event = |event: &'static str| [("EventType", event), ("ConversationSid", CH)];
    let group = [
        ("MessagingBinding.AuthorAddress", "+12025550102"),
        ("MessagingBinding.Address", SMS),
        ("MessagingBinding.ProjectedAddress", SMS),
    ];
    company.assert(vec![
        (
            "crm",
            &[&page[..], &[("NextPageToken", &*token)]].concat(),
            Like(json!({ "objects": { "customers": [{ "display_name": "Nora Fields" }] } })),
        ),
        (
            "crm",
            &[&page[..], &[("Query", "nora fields")]].concat(),
            Like(json!({ "objects": { "customers": [{ "display_name": "Nora Fields" }], "searchable": true } })),
        ),
        (
            "conversations",
            &[&event("onConversationAdd")[..], &group].concat(),
            Like(json!({ "friendly_name": "Ben Fields" })),
        ),
        (
            "conversations",
            &[&event("onParticipantAdded")[..], &[("ParticipantSid", MB)], &group[2..]].concat(),
            Exactly(json!({})),
        ),
        (
            "conversations",
            &[&event("onParticipantAdded")[..], &[("ParticipantSid", MB), ("Identity", DAVE)]].concat(),
            Exactly(json!({})),
        ),
    ]);
}

/// A controller in PHP with captured forms. PHP reads `MessagingBinding.Address` as `MessagingBinding_Address`.
#[test]
fn captured_forms_of_a_php_controller_are_answered() {
    let company = Company::start("C18,Stefania Melo,,+12025550103,\n", DAVE);
    let worker = ("Worker", DAVE);
    let customer = ("CustomerId", "C18");
    let common = [
        ("AccountSid", "AC00000000000000000000000000000000"),
        ("ChatServiceSid", "IS000000000000000000000000000000c3"),
        ("ConversationSid", CH),
        ("RetryCount", "0"),
    ];
    let participant = [
        ("Attributes", "{}"),
        ("DateCreated", "2023-04-05T01:48:15.295Z"),
        ("EventType", "onParticipantAdded"),
        ("MessagingBinding.Address", "whatsapp:+12025550103"),
        ("MessagingBinding.ProxyAddress", "whatsapp:+14155550111"),
        ("MessagingBinding.Type", "whatsapp"),
        ("ParticipantSid", MB),
        ("RoleSid", "RL00000000000000000000000000000007"),
        ("Source", "WHATSAPP"),
    ];
    let message = [
        ("Attributes", "{\"messageId\":\"PFKtt4Hp74\"}"),
        ("Author", DAVE),
        ("Body", "Tchau"),
        ("ClientIdentity", DAVE),
        ("DateCreated", "2023-01-26T14:26:25.726Z"),
        ("EventType", "onMessageAdded"),
        ("Index", "11"),
        ("MessageSid", "IM00000000000000000000000000000007"),
        ("MessagingServiceSid", "MG00000000000000000000000000000007"),
        ("ParticipantSid", MB),
    ];
    let closed = [
        ("EventType", "onConversationStateUpdated"),
        ("Reason", "API"),
        ("Source", "API"),
        ("StateFrom", "active"),
        ("StateTo", "closed"),
        ("StateUpdated", "2023-01-26T14:31:41.305Z"),
    ];
    let list = [("Location", "GetCustomersList"), ("PageSize", "30"), ("Query", "STEFA"), worker];
    company.assert(vec![
        ("conversations", &[&common[..], &participant].concat(), Exactly(json!({}))),
        ("conversations", &[&common[..], &message].concat(), Exactly(json!({}))),
        ("conversations", &[&common[..], &closed].concat(), Exactly(json!({}))),
        ("crm", &list, Like(json!({ "objects": { "customers": [{ "customer_id": "C18" }] } }))),
        (
            "outgoing-conversation",
            &[
                ("ChannelType", "whatsapp"),
                ("ChannelValue", "whatsapp:+12025550103"),
                customer,
                ("Location", "GetProxyAddress"),
                worker,
            ],
            Exactly(json!({ "proxy_address": format!("whatsapp:{WHATSAPP}") })),
        ),
        (
            "templates",
            &[("ConversationSid", CH), customer, ("Location", "GetTemplatesByCustomerId"), worker],
            Like(json!([{ "templates": [{ "content": "Hi Stefania, this is Dave." }] }])),
        ),
    ]);
    let path = format!("/v1/Conversations/{CH}/Participants/{MB}");
    company.twilio.wait_for(|state| state.requests().iter().any(|sent| sent.path == path));
}

/// `khurananick/Flex-Frontline-Integration`: the id of a customer is JSON, which names a chat channel.
#[test]
fn an_id_that_is_json_is_passed_on_as_it_is() {
    let id = "{\"c\":\"CH12\"}";
    let company = Company::start("\"{\"\"c\"\":\"\"CH12\"\"}\",Web Visitor,+12025550105,,\n", DAVE);
    let details = [("Location", "GetCustomerDetailsByCustomerId"), ("CustomerId", id)];
    let state = [("EventType", "onConversationStateUpdated"), ("ConversationSid", CH), ("StateTo", "closed")];
    company.assert(vec![
        ("crm", &details, Like(json!({ "objects": { "customer": { "customer_id": id } } }))),
        (
            "outgoing-conversation",
            &[("Location", "GetProxyAddress"), ("ChannelType", "sms")],
            Exactly(json!({ "proxy_address": SMS })),
        ),
        ("conversations", &state, Exactly(json!({}))),
    ]);
}

/// `teresan/twilio-frontline-expert-hub`: the number depends on the customer's country, and a bot answers messages.
#[test]
fn forms_of_a_hub_in_two_countries_are_answered() {
    let company = Company::start("1,Agnes Hill,+442079460102,,\n", DAVE);
    let form = [
        ("Location", "GetProxyAddress"),
        ("Worker", DAVE),
        ("CustomerId", "1"),
        ("ChannelType", "sms"),
        ("ChannelValue", "+442079460102"),
    ];
    let message =
        [("EventType", "onMessageAdd"), ("Source", "SMS"), ("ConversationSid", CH), ("Body", "Hello"), ("Author", SMS)];
    company.assert(vec![
        ("outgoing-conversation", &form, Exactly(json!({ "proxy_address": "+442079460199" }))),
        ("conversations", &message, Exactly(json!({}))),
        ("routing", &[("ConversationSid", CH)], Exactly(json!({}))),
    ]);
    company.wait_for_worker(CH, DAVE);
}

/// `abdulhaq/twilio-frontline-active-campaigns-setup`: `NextPageToken` is a number that its own answer had. A token that
/// the gateway never sent ends the list, so that an app that still has one does not page without end.
#[test]
fn a_token_of_another_service_ends_the_list() {
    let company = Company::start("332,Diane Randi,+12025550107,,\n", DAVE);
    let list = [("Location", "GetCustomersList"), ("NextPageToken", "20"), ("PageSize", "30"), ("Worker", DAVE)];
    company.assert(vec![
        ("crm", &list, Like(json!({ "objects": { "customers": [] } }))),
        (
            "crm",
            &[("Location", "GetCustomersList"), ("Query", "randi")],
            Like(json!({ "objects": { "customers": [{ "display_name": "Diane Randi" }] } })),
        ),
    ]);
}

/// `di2pra/twilio-frontline-callback`, `stevennic22/go-twilio-frontline-integration-service`,
/// `mark-marshall/twilio-frontline-serverless` and `nrrs/twilio-frontline-voice-intel`: the demo's forms, with an address
/// of WhatsApp.
#[test]
fn forms_of_ports_of_the_demo_are_answered() {
    let company = Company::start("9,Hana Sato,+12025550108,+12025550108,dave@example.com\n", DAVE);
    let whatsapp = ("MessagingBinding.Address", "whatsapp:+12025550108");
    company.assert(vec![
        (
            "conversations",
            &[("EventType", "onConversationAdd"), whatsapp],
            Exactly(json!({ "friendly_name": "Hana Sato", "attributes": "{}" })),
        ),
        (
            "twilio-conversations",
            &[("EventType", "onConversationAdded"), ("ConversationSid", CH), whatsapp],
            Exactly(json!({})),
        ),
        (
            "crm",
            &[("Location", "GetCustomersList"), ("Worker", DAVE), ("PageSize", "30"), ("Query", "")],
            Like(json!({ "objects": { "customers": [{ "customer_id": "9" }] } })),
        ),
        ("routing", &[("ConversationSid", CH), whatsapp], Exactly(json!({}))),
    ]);
    company.wait_for_worker(CH, DAVE);
}
