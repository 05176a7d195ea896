//! Tests the database of several gateways: restarts, failovers, lost answers, poolers, TLS, and the move from SQLite.

use std::sync::Arc;

use frontgate_tests::database_proxy::{DatabaseProxy, Mode};
use frontgate_tests::{
    Action, Call, Database, Fault, Gateway, LIST, PUBLIC_URL, Pooler, PostgresServer, Replicas, Setup, TOKEN, Twilio,
    eventually, run,
};

use crate::delivery::workers_added;
use crate::replicas::{assert_once, customer_writes, each_has_a_worker, routing, times};

/// Numbers of repeated faults in an ordinary run. `FRONTGATE_KILLS` replaces all of them.
const RESTARTS: usize = 20;
const CUTS: usize = 60;
const FAILOVERS: usize = 1;
/// Each failover needs two servers.
const FAILOVERS_MAX: usize = 10;

/// Starts replicas whose database is on a server of its own, which the test may stop, behind a proxy.
fn start_behind_proxy(name: &str, count: usize) -> (Twilio, Replicas, &'static PostgresServer, DatabaseProxy) {
    let server: &'static PostgresServer = Box::leak(Box::new(PostgresServer::create(name)));
    let database = Arc::new(Database::create_on(server));
    let proxy = DatabaseProxy::start(server.port());
    let (twilio, url) = (Twilio::start(), proxy.url(&database.url()));
    let replicas = Replicas::start_at(count, database, &url, || routing(&twilio));
    twilio.point_at(replicas.balancer.address(), PUBLIC_URL, "", TOKEN);
    (twilio, replicas, server, proxy)
}

#[test]
fn a_restart_of_the_database_loses_nothing_and_ends_no_replica() {
    let (twilio, replicas, server, _proxy) = start_behind_proxy("restart", 2);
    let mut sids = Vec::new();
    for restart in 0..times(RESTARTS) {
        for _ in 0..4 {
            sids.push(customer_writes(&twilio, sids.len()));
        }
        if restart % 2 == 0 { server.crash_and_restart() } else { server.stop_and_restart() }
    }
    assert_once(&twilio, &replicas, &sids);
    assert_eq!(replicas.count("replica.buried"), 0);
}

#[test]
fn a_write_whose_commit_got_no_answer_runs_again_and_counts_once() {
    let (twilio, replicas, _server, proxy) = start_behind_proxy("cut", 2);
    let mut sids = Vec::new();
    for _ in 0..times(CUTS) {
        proxy.set(Mode::CutAfterCommit(2));
        sids.push(customer_writes(&twilio, sids.len()));
    }
    proxy.set(Mode::Pass);
    assert_once(&twilio, &replicas, &sids);
    assert!(proxy.cut() > 0);
    let unclear: f64 = replicas.gateways.iter().map(|gateway| gateway.metric("frontgate_store_unclear_total")).sum();
    assert!(unclear > 0.0);
}

#[test]
fn replicas_that_cannot_reach_the_database_send_nothing_twice_and_go_on_afterwards() {
    let (twilio, replicas, _server, proxy) = start_behind_proxy("partition", 2);
    let mut sids: Vec<String> = (0..4).map(|index| customer_writes(&twilio, index)).collect();
    for mode in [Mode::Refuse, Mode::BlackHole] {
        proxy.set(mode);
        replicas.gateways[0].log().event("replica.beat_failed").wait_for(1);
        let answer = replicas.gateways[0].crm(&LIST);
        assert_eq!(answer.status, 200, "a list needs no database: {}", answer.text);
        proxy.set(Mode::Pass);
        sids.push(customer_writes(&twilio, sids.len()));
        twilio.wait_for(|state| each_has_a_worker(state, &sids));
    }
    assert_once(&twilio, &replicas, &sids);
    assert_eq!(replicas.count("replica.buried"), 0);
}

#[test]
fn a_sqlite_file_is_copied_to_postgres_with_everything_in_it() {
    let twilio = Twilio::start();
    let mut before = routing(&twilio).set("store.url", "\"sqlite:data/frontgate.db\"").start();
    twilio.point_at(before.address(), PUBLIC_URL, "", TOKEN);
    let first = customer_writes(&twilio, 1);
    twilio.wait_for(|state| each_has_a_worker(state, std::slice::from_ref(&first)));
    before.wait_for_deliveries();
    // One delivery is open when the gateway ends.
    twilio.fault(Fault::new(Action::Slow(500)).on(Call::AddParticipant));
    let second = customer_writes(&twilio, 2);
    twilio.wait_for(|state| state.requests().iter().any(|request| request.fault.is_some()));
    before.kill();
    let had = before.deliveries().len();
    let database = Arc::new(Database::create());
    before.edit_config(&[("store.url", &format!("{:?}", database.url()))]);
    let copied = before.command(&["store", "copy", "--from", "sqlite:data/frontgate.db"]);
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    assert!(String::from_utf8_lossy(&copied.stdout).contains(&format!("deliveries: {had} rows")));
    let after = before.start_again();
    twilio.point_at(after.address(), PUBLIC_URL, "", TOKEN);
    twilio.wait_for(|state| each_has_a_worker(state, std::slice::from_ref(&second)));
    assert_eq!((workers_added(&twilio, &first), workers_added(&twilio, &second)), (1, 1));
    let again = after.command(&["store", "copy", "--from", "sqlite:data/frontgate.db"]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("stop them first"));
}

#[test]
fn a_copied_database_has_deliveries_in_every_state_and_continues_them() {
    let twilio = Twilio::start();
    let mut before = routing(&twilio).set("store.url", "\"sqlite:data/frontgate.db\"").start();
    twilio.point_at(before.address(), PUBLIC_URL, "", TOKEN);
    twilio.filters(&[]);
    let sent = customer_writes(&twilio, 1);
    twilio.wait_for(|state| each_has_a_worker(state, std::slice::from_ref(&sent)));
    twilio.fault(Fault::new(Action::BindingExists).on(Call::AddParticipant));
    customer_writes(&twilio, 2);
    before.log().event("delivery.failed").wait_for(1);
    twilio.fault(Fault::new(Action::CloseAfterActing).on(Call::AddParticipant));
    twilio.fault(Fault::new(Action::TooManyRequests).on(Call::FetchParticipant).times(40));
    let unknown = customer_writes(&twilio, 3);
    before.log().event("delivery.outcome_unknown").wait_for(1);
    twilio.fault(Fault::new(Action::TooManyRequests).on(Call::AddParticipant).times(40));
    let ready = customer_writes(&twilio, 4);
    customer_writes(&twilio, 5);
    eventually("five deliveries", || before.deliveries().len(), |count| *count == 5);
    // A worker may have it at this moment.
    eventually("a cancellation", || before.command(&["deliveries", "cancel", "5"]).status.success(), |done| *done);
    before.kill();
    let states = |gateway: &Gateway| -> Vec<String> {
        gateway.deliveries().iter().map(|one| one["state"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let had = states(&before);
    assert_eq!((&*had[0], &*had[1], &*had[4]), ("sent", "failed", "cancelled"));
    // The worker may have had the others when it ended.
    assert!(["unknown", "leased"].contains(&&*had[2]) && ["ready", "leased"].contains(&&*had[3]), "{had:?}");
    let database = Arc::new(Database::create());
    before.edit_config(&[("store.url", &format!("{:?}", database.url()))]);
    let copied = before.command(&["store", "copy", "--from", "sqlite:data/frontgate.db"]);
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    // A lease ends with its process: the delivery is `unknown` if its request may have left.
    let copied = states(&before);
    let is_copied =
        |(had, now): (&String, &String)| had == now || had == "leased" && ["ready", "unknown"].contains(&&**now);
    assert!(had.iter().zip(&copied).all(is_copied), "{had:?} {copied:?}");
    let after = before.start_again();
    twilio.point_at(after.address(), PUBLIC_URL, "", TOKEN);
    twilio.wait_for(|state| each_has_a_worker(state, &[unknown.clone(), ready.clone()]));
    let again = |sid| workers_added(&twilio, sid);
    assert_eq!((again(&sent), again(&unknown), again(&ready)), (1, 1, 1));
    let ended = eventually("the end", || states(&after), |states| states[2] == "sent" && states[3] == "sent");
    assert_eq!(ended, ["sent", "failed", "sent", "sent", "cancelled"]);
    // New rows continue the ids.
    let next = customer_writes(&twilio, 6);
    twilio.wait_for(|state| each_has_a_worker(state, std::slice::from_ref(&next)));
    assert!(after.deliveries().iter().any(|delivery| delivery["id"] == 6));
}

#[test]
fn a_newer_gateway_may_add_to_the_tables_while_others_work_with_them() {
    let (twilio, mut replicas, ..) = start_behind_proxy("newer", 2);
    let mut sids: Vec<String> = (0..4).map(|index| customer_writes(&twilio, index)).collect();
    // The migration of a newer program, which adds a column to every table that deliveries need.
    for table in ["events", "deliveries", "replicas", "keepers", "state_entries", "front_messages"] {
        replicas.database.execute(&format!("ALTER TABLE {table} ADD COLUMN later bigint NOT NULL DEFAULT 7"));
        sids.push(customer_writes(&twilio, sids.len()));
    }
    replicas.database.execute("UPDATE installation SET version = version + 1");
    // The older program also starts with these tables.
    replicas.kill_and_start_again(0);
    sids.extend((0..4).map(|index| customer_writes(&twilio, 100 + index)));
    assert_once(&twilio, &replicas, &sids);
    let status = replicas.gateways[0].command(&["store", "status"]);
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
    // A later migration removes what older programs need.
    replicas.database.execute("UPDATE installation SET oldest_program = version");
    let mut old = replicas.gateways.remove(0);
    old.kill();
    let started = old.command(&["run"]);
    let text = String::from_utf8_lossy(&started.stderr).into_owned();
    assert!(!started.status.success() && text.contains("run the newer gateway"), "{text}");
}

#[test]
fn replicas_work_behind_a_pooler_with_and_without_notifications() {
    let server = PostgresServer::shared();
    let Some(pooler) = Pooler::start(server) else { return };
    for listens in [false, true] {
        let database = Arc::new(Database::create_on(server));
        let (twilio, url, direct) = (Twilio::start(), pooler.url(&database.url()), database.url());
        let replicas = Replicas::start_at(2, database, &url, || {
            let setup = routing(&twilio).set("store.prepared", "false");
            if listens { setup.set("store.listen_url", format!("{direct:?}")) } else { setup }
        });
        twilio.point_at(replicas.balancer.address(), PUBLIC_URL, "", TOKEN);
        let sids: Vec<String> = (0..6).map(|index| customer_writes(&twilio, index)).collect();
        assert_once(&twilio, &replicas, &sids);
    }
}

#[test]
fn a_server_with_tls_is_trusted_by_its_authority_only() {
    let server: &'static PostgresServer = Box::leak(Box::new(PostgresServer::create_with_tls("tls")));
    let database = Arc::new(Database::create_on(server));
    let url = format!("{:?}", format!("{}?sslmode=require", database.url()));
    let setup = || Setup::misbehaving().on_postgres(&database).set("store.url", url.as_str());
    let trusting = setup().set("store.ca_files", format!("[{:?}]", server.authority())).start();
    let used = database.execute("SELECT count(*) FROM pg_stat_ssl WHERE ssl");
    assert_ne!(used, ["0"]);
    assert_eq!(trusting.output_of("hello"), "version 1");
    let other = setup();
    other.write();
    let status = run(other.folder(), &["store", "status", "--config", "config.toml"]);
    let text = String::from_utf8_lossy(&status.stderr);
    assert!(!status.status.success() && text.contains("certificate"), "{text}");
}

#[test]
fn a_faulty_address_of_the_database_is_reported_with_its_fix() {
    for (url, fault) in [
        ("postgres://frontgate:secret@127.0.0.1/frontgate", "it contains a password"),
        ("postgres://frontgate@127.0.0.1", "it has no database"),
        ("postgres://frontgate@db.example.org/frontgate?sslmode=disable", "it turns TLS off"),
        ("mysql://frontgate@127.0.0.1/frontgate", "is not the URL of a supported database"),
    ] {
        let setup = Setup::misbehaving().set("store.url", format!("{url:?}"));
        setup.write();
        let checked = run(setup.folder(), &["check", "--config", "config.toml"]);
        let text = String::from_utf8_lossy(&checked.stdout);
        assert!(!checked.status.success() && text.contains(fault), "{url}: {text}");
        assert!(!text.contains("secret@"), "{text}");
    }
}

#[test]
fn a_failover_to_a_standby_that_confirms_commits_loses_nothing() {
    for turn in 0..times(FAILOVERS).min(FAILOVERS_MAX) {
        let primary: &'static PostgresServer = Box::leak(Box::new(PostgresServer::create(&format!("primary-{turn}"))));
        let standby = primary.create_standby(&format!("standby-{turn}"));
        let database = Arc::new(Database::create_on(primary));
        let both = format!("127.0.0.1:{},127.0.0.1:{}", primary.port(), standby.port());
        let url = database.url().replace(&format!("127.0.0.1:{}", primary.port()), &both);
        let twilio = Twilio::start();
        let replicas = Replicas::start_at(2, database, &url, || routing(&twilio));
        twilio.point_at(replicas.balancer.address(), PUBLIC_URL, "", TOKEN);
        let mut sids: Vec<String> = (0..6).map(|index| customer_writes(&twilio, index)).collect();
        primary.stop();
        standby.promote();
        sids.extend((6..12).map(|index| customer_writes(&twilio, index)));
        assert_once(&twilio, &replicas, &sids);
        assert_eq!(replicas.count("replica.buried"), 0);
        standby.stop();
    }
}
