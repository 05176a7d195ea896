use super::*;

const OURS: &str = "https://gw.example.org/callbacks/conversations";
const OTHER: &str = "https://other.example.org/hook";

fn needed(events: &[&str]) -> Needed {
    let events = events.iter().map(|event| (*event).to_owned()).collect();
    Needed { url: OURS.to_owned(), alias: Some("https://gw.example.org/alias".to_owned()), events }
}

fn set(webhooks: &mut Webhooks, form: &[(&'static str, String)]) {
    if form.iter().any(|(name, _)| *name == "Filters") {
        webhooks.filters = Some(Vec::new());
    }
    for (name, value) in form.iter().cloned() {
        match name {
            "PreWebhookUrl" => webhooks.pre_webhook_url = Some(value),
            "PostWebhookUrl" => webhooks.post_webhook_url = Some(value),
            "Method" => webhooks.method = Some(value),
            "Target" => webhooks.target = Some(value),
            "Filters" => webhooks.filters.get_or_insert_default().push(value),
            _ => panic!("unknown field {name}"),
        }
    }
}

fn applied(mut configuration: WebhookConfiguration, changes: &[WebhookChange]) -> WebhookConfiguration {
    for change in changes {
        match (&change.level, &mut configuration.service) {
            (Level::Service(_), Some(service)) => set(&mut service.webhooks, &change.form),
            _ => set(&mut configuration.account, &change.form),
        }
    }
    configuration
}

fn foreign_urls(webhooks: &Webhooks) -> Vec<String> {
    webhooks.foreign(&needed(&[]))
}

/// All combinations of URLs, events, method and target.
fn possible() -> Vec<Webhooks> {
    let mut possible = Vec::new();
    for pre in [None, Some(""), Some(OURS), Some(OTHER)] {
        for post in [None, Some(OURS), Some(OTHER)] {
            for filters in [None, Some(vec!["onMessageAdded"]), Some(vec!["onConversationAdd", "onUserAdded"])] {
                for (method, target) in [(Some("POST"), None), (Some("GET"), Some("flex")), (None, None)] {
                    let text = |value: Option<&str>| value.map(ToOwned::to_owned);
                    possible.push(Webhooks {
                        pre_webhook_url: text(pre),
                        post_webhook_url: text(post),
                        filters: filters.as_ref().map(|all| all.iter().map(|one| (*one).to_owned()).collect()),
                        method: text(method),
                        target: text(target),
                    });
                }
            }
        }
    }
    possible
}

#[test]
fn changes_satisfy_the_need_at_once_and_name_all_that_they_replace() {
    let needs = [
        needed(&["onConversationAdd", "onParticipantAdded"]),
        needed(&["onConversationAdd", "onParticipantAdded", "onUserAdded"]),
        needed(&["onUserUpdate"]),
    ];
    for (account, service) in
        possible().iter().flat_map(|one| possible().into_iter().map(move |two| (one.clone(), two)))
    {
        for (is_service_named, need) in [(true, &needs[0]), (false, &needs[0]), (true, &needs[1]), (true, &needs[2])] {
            let service = Webhooks { target: None, ..service.clone() };
            let service = Some(ServiceWebhooks { sid: "IS1".to_owned(), webhooks: service });
            let before = WebhookConfiguration { account: account.clone(), service, is_service_named };
            let changes = before.changes(need);
            let after = applied(before.clone(), &changes);
            assert_eq!(after.changes(need), [], "{before:?} {need:?}");
            assert!(after.findings(need).iter().all(|finding| !finding.is_problem()), "{before:?} {need:?}");
            let replaced: Vec<_> = changes.iter().flat_map(|change| change.replaced.clone()).collect();
            let kept = |url: &String| foreign_urls(after.effective().1).contains(url);
            let lost = foreign_urls(before.effective().1).into_iter().filter(|url| !kept(url));
            lost.for_each(|url| assert!(replaced.contains(&url), "{before:?} {need:?}: {url}"));
        }
    }
}

#[test]
fn a_named_service_that_inherits_foreign_webhooks_gets_its_own() {
    let account = Webhooks { post_webhook_url: Some(OTHER.to_owned()), ..Webhooks::default() };
    let service = ServiceWebhooks { sid: "IS1".to_owned(), webhooks: Webhooks::default() };
    let configuration = WebhookConfiguration { account, service: Some(service), is_service_named: true };
    let [change] = &*configuration.changes(&needed(&["onConversationAdd", "onParticipantAdded"])) else {
        panic!("one change")
    };
    assert_eq!(change.level, Level::Service("IS1".to_owned()));
    assert_eq!(change.replaced, [OTHER]);
}

#[test]
fn events_of_other_urls_stay_selected() {
    let account = Webhooks {
        pre_webhook_url: Some(OURS.to_owned()),
        post_webhook_url: Some("https://gw.example.org/alias".to_owned()),
        filters: Some(vec!["onMessageAdded".to_owned()]),
        method: Some("POST".to_owned()),
        target: None,
    };
    let configuration = WebhookConfiguration { account, service: None, is_service_named: false };
    let changes = configuration.changes(&needed(&["onConversationAdd"]));
    let form = ["onMessageAdded", "onConversationAdd"].map(|event| ("Filters", event.to_owned()));
    assert_eq!(changes, [WebhookChange { level: Level::Account, form: form.to_vec(), replaced: Vec::new() }]);
}

#[test]
fn the_method_of_a_level_that_another_system_uses_is_kept() {
    let need = needed(&["onUserUpdate"]);
    let shared = |one: &Webhooks| one.url(WebhookKind::PostEvent) == Some(OTHER);
    for account in possible().into_iter().filter(shared) {
        let configuration = WebhookConfiguration { account, service: None, is_service_named: false };
        let changes = configuration.changes(&need);
        let is_set = changes.iter().flat_map(|change| &change.form).any(|(name, _)| *name == "Method");
        assert!(!is_set, "{configuration:?}");
        let is_named = configuration.findings(&need).iter().any(|finding| {
            matches!(finding, Finding::SharedMethod { url, .. } if url == OTHER) && !finding.is_problem()
        });
        assert_eq!(is_named, configuration.account.method.as_deref() == Some("GET"), "{configuration:?}");
    }
}

#[test]
fn the_method_of_a_level_without_another_system_is_set_to_post() {
    let need = needed(&["onConversationAdd", "onParticipantAdded"]);
    for account in possible().into_iter().filter(|one| one.method.as_deref() == Some("GET")) {
        let configuration = WebhookConfiguration { account, service: None, is_service_named: false };
        let after = applied(configuration.clone(), &configuration.changes(&need));
        assert_eq!(after.account.method.as_deref(), Some("POST"), "{configuration:?}");
    }
}
