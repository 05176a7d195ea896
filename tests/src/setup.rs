//! Prepares the folder of a gateway before its start: configuration, plugins, files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use frontgate_test_postgres::Database;

use crate::database_proxy::{DatabaseProxy, Mode};
use crate::gateway::Home;
use crate::{
    Front, Gateway, Names, PUBLIC_URL, Provider, TOKEN, Twilio, component, crashing_program, program, root, target,
};

/// Free bytes of a small disk below which events are refused.
const DISK_LEFT_MIN: u64 = 4 << 20;

/// The configuration and files of a gateway to be started.
pub struct Setup {
    home: Home,
    settings: BTreeMap<String, String>,
}

impl Setup {
    /// Creates a setup with a tenant `demo` and no plugins. Timing settings are short; other settings have their
    /// defaults.
    pub fn new() -> Self {
        let home = Home::default();
        let folder = &home.folder;
        fs::create_dir(folder.path().join("plugins")).expect("a folder");
        fs::create_dir(folder.path().join("files")).expect("a folder");
        fs::write(folder.path().join("token"), TOKEN).expect("a file");
        let setup = Self { home, settings: BTreeMap::new() };
        let setup = if on_postgres() { setup.on_postgres(&Arc::new(Database::create())) } else { setup };
        setup
            .set("server.listen", "\"127.0.0.1:0\"")
            .set("server.public_url", format!("{PUBLIC_URL:?}"))
            .set("admin.listen", "\"127.0.0.1:0\"")
            .set("console.listen", "\"127.0.0.1:0\"")
            .set("log.format", "\"json\"")
            .set("plugins.cache", format!("{:?}", target().join("test-cache")))
            .set("plugins.settle_ms", "20")
            .set("tenants.demo.twilio.auth_tokens", "[{ file = \"token\" }]")
            .set("tenants.demo.roles.crm", "[\"plugin\"]")
    }

    /// Stores everything in a database on Postgres. Replicas judge each other within a few seconds.
    pub fn on_postgres(mut self, database: &Arc<Database>) -> Self {
        self.home.database = Some(Arc::clone(database));
        let mut url = database.url();
        if let Some(count) = std::env::var("FRONTGATE_CUT_COMMITS").ok().and_then(|count| count.parse().ok()) {
            // The proxy's threads live as long as the program.
            let proxy = DatabaseProxy::start(database.server().port());
            proxy.set(Mode::CutEvery(count));
            url = proxy.url(&url);
        }
        self.set("store.url", format!("{url:?}"))
            .set("store.readers_max", "4")
            .set("replica.beat_ms", "200")
            .set("replica.suspect_ms", "1500")
            .set("replica.lease_ms", "5000")
    }

    /// Creates a setup with the plugin `misbehaving`, which follows instructions in the search text.
    pub fn misbehaving() -> Self {
        Self::new().plugin("plugin", &component("misbehaving"))
    }

    /// Creates a setup with the plugin `caller`, which sends the requests described in the search text. The plugin may
    /// call `crm.test` at a local port.
    pub fn caller(names: &Names, port: u16) -> Self {
        Self::new()
            .plugin("plugin", &component("caller"))
            .set("plugins.nameservers", names.setting())
            .set("plugins.named.plugin.outbound", format!("[\"http://crm.test:{port}\"]"))
            .set("plugins.named.plugin.outbound_networks", "[\"127.0.0.1/32\"]")
    }

    /// Creates a setup with the plugin `misbehaving` in every role and a Twilio simulator.
    pub fn every_role(twilio: &Twilio) -> Self {
        let roles = ["crm", "templates", "outgoing", "routing", "conversations"];
        let setup = roles
            .iter()
            .fold(Self::misbehaving(), |setup, role| setup.set(&format!("tenants.demo.roles.{role}"), "[\"plugin\"]"));
        setup.twilio(twilio)
    }

    /// Adds a Front app `sms` whose channels the given plugin serves.
    pub fn front(self, front: &Front, plugin: &str) -> Self {
        let storage = format!("[\"http://{}\"]", front.storage_address());
        self.file("app-uid", Front::APP)
            .file("app-secret", Front::SECRET)
            .set("tenants.demo.front.sms.app_uid", "{ file = \"files/app-uid\" }")
            .set("tenants.demo.front.sms.app_secrets", "[{ file = \"files/app-secret\" }]")
            .set("tenants.demo.front.sms.plugin", format!("{plugin:?}"))
            .set("tenants.demo.front.sms.api_url", format!("{:?}", front.url()))
            .set("tenants.demo.front.sms.storage_urls", storage)
            .set("delivery.retry_first_ms", "10")
            .set("delivery.retry_longest_ms", "200")
    }

    /// Creates a setup with a Front app whose channels the plugin `courier` serves, with a provider.
    pub fn courier(front: &Front, provider: &Provider) -> Self {
        let port = provider.address().port();
        Self::new()
            .set("tenants.demo.roles.crm", "[]")
            .plugin("courier", &component("courier"))
            .set("plugins.named.courier.config.url", format!("\"http://127.0.0.1:{port}\""))
            .set("plugins.named.courier.outbound", format!("[\"http://127.0.0.1:{port}\"]"))
            .set("plugins.named.courier.outbound_networks", "[\"127.0.0.1/32\"]")
            .front(front, "courier")
    }

    /// Creates a setup with the plugins `directory`, `templates`, `numbers` and `owner-routing`, and customers from a
    /// CSV file.
    pub fn bundled(csv: &str) -> Self {
        let bundled = ["templates", "numbers", "owner-routing"];
        let setup = bundled.iter().fold(Self::directory(csv), |setup, name| setup.plugin(name, &component(name)));
        setup
            .set("tenants.demo.roles.templates", "[\"templates\"]")
            .set("tenants.demo.roles.outgoing", "[\"numbers\"]")
            .set("tenants.demo.roles.routing", "[\"owner-routing\"]")
            .set("tenants.demo.twilio.default_worker", "\"default@example.org\"")
    }

    /// Adds the credentials and URL of a Twilio simulator, with short retry delays.
    pub fn twilio(self, twilio: &Twilio) -> Self {
        self.file("api-secret", Twilio::API_KEY_SECRET)
            .file("api-key", Twilio::API_KEY_SID)
            .set("tenants.demo.twilio.api_key", "{ file = \"files/api-key\" }")
            .set("tenants.demo.twilio.api_secret", "{ file = \"files/api-secret\" }")
            .set("tenants.demo.twilio.conversations_url", format!("{:?}", twilio.url()))
            .set("delivery.retry_first_ms", "10")
            .set("delivery.retry_longest_ms", "200")
    }

    /// Creates a setup with the plugin `directory` and customers from a CSV file.
    pub fn directory(csv: &str) -> Self {
        Self::new()
            .plugin("plugin", &component("directory"))
            .file("customers.csv", csv)
            .set("plugins.named.plugin.files", "\"files\"")
            .set("plugins.named.plugin.config.customers", "\"customers.csv\"")
    }

    /// Creates a setup with the plugin `directory` and the customers of `../shared/data`. If that file is missing, the
    /// customers of the example configuration are used.
    pub fn real_customers() -> Self {
        let chinook = root().join("../shared/data/chinook-customers.csv");
        let Ok(csv) = fs::read_to_string(chinook) else {
            let csv = fs::read_to_string(root().join("data/directory/customers.csv")).expect("the example's customers");
            let columns = "{ id = \"Id\", name = \"{FirstName} {LastName}\" }";
            return Self::directory(&csv)
                .set("plugins.named.plugin.config.country", "\"US\"")
                .set("plugins.named.plugin.config.columns", columns);
        };
        let columns = "{ id = \"CustomerId\", name = \"{FirstName} {LastName}\", owner = \"SupportRepEmail\" }";
        Self::directory(&csv).set("plugins.named.plugin.config.columns", columns)
    }

    /// Sets a key of the configuration to a TOML value.
    pub fn set(mut self, key: &str, value: impl Into<String>) -> Self {
        self.settings.insert(key.to_owned(), value.into());
        self
    }

    /// Adds a plugin.
    pub fn plugin(self, name: &str, component: &[u8]) -> Self {
        fs::write(self.home.folder.path().join(format!("plugins/{name}.wasm")), component).expect("a file");
        self
    }

    /// Adds a file to the folder `files`, which tests can grant to plugins.
    pub fn file(self, name: &str, text: &str) -> Self {
        fs::write(self.home.folder.path().join("files").join(name), text).expect("a file");
        self
    }

    /// Returns the gateway's folder.
    pub fn folder(&self) -> &Path {
        self.home.folder.path()
    }

    /// Writes the configuration, and returns its path.
    pub fn write(&self) -> PathBuf {
        let lines: String = self.settings.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        let path = self.home.folder.path().join("config.toml");
        fs::write(&path, lines).expect("a file");
        path
    }

    /// Starts the gateway with a crash point at which it aborts.
    pub fn start_crashing(self, crash_point: &str) -> Gateway {
        self.write();
        Gateway::start_crashing(self.home, crash_point)
    }

    /// Starts the gateway with a clock that is ahead by some milliseconds.
    pub fn start_with_clock(self, ahead_ms: i64) -> Gateway {
        self.write();
        Gateway::start_with(self.home, &crashing_program(), &[("FRONTGATE_CLOCK_AHEAD_MS", &ahead_ms.to_string())])
    }

    /// Starts the gateway with additional environment variables.
    pub fn start_in(self, environment: &[(&str, &str)]) -> Gateway {
        self.write();
        Gateway::start_with(self.home, &program(), environment)
    }

    /// Starts the gateway with another folder mounted over its plugin folder.
    pub fn start_with_mount(self, plugins: &Path) -> Gateway {
        self.start_mounted(plugins, "plugins")
    }

    /// Starts the gateway with another `/etc/resolv.conf`.
    pub fn start_with_resolver(self, text: &str) -> Gateway {
        let file = self.home.folder.path().join("resolv.conf");
        fs::write(&file, text).expect("a file");
        self.start_mounted(&file, "/etc/resolv.conf")
    }

    /// Starts the gateway with its files on a disk of 16 MiB, which only it and its children see, in the folder `disk`.
    pub fn start_on_small_disk(self) -> Gateway {
        let (program, disk) = (crate::program(), self.home.folder.path().join("disk"));
        fs::create_dir(&disk).expect("a folder");
        let setup = ["imports", "events"]
            .iter()
            .fold(self, |setup, kind| setup.set(&format!("store.free_bytes_{kind}_min"), DISK_LEFT_MIN.to_string()))
            .set("recording.journal", "\"disk/journal.db\"");
        let setup = if on_postgres() { setup } else { setup.set("store.url", "\"sqlite:disk/frontgate.db\"") };
        setup.start_script(&format!(
            "exec unshare -rm sh -c 'mount -t tmpfs -o size=16m tmpfs {disk:?} && exec {program:?} \"$@\"' - \"$@\""
        ))
    }

    fn start_mounted(self, from: &Path, to: &str) -> Gateway {
        let program = crate::program();
        self.start_script(&format!(
            "exec unshare -rm sh -c 'mount --bind {from:?} {to} && exec {program:?} \"$@\"' - \"$@\""
        ))
    }

    /// Starts the gateway with core dumps enabled.
    pub fn start_with_core_dumps(self) -> Gateway {
        let program = crate::program();
        self.start_script(&format!("ulimit -S -c \"$(ulimit -H -c)\"\nexec {program:?} \"$@\""))
    }

    /// Starts the gateway by a Python program, whose arguments are `argument` and the command of the gateway.
    pub fn start_by(self, script: &str, argument: &str) -> Gateway {
        let path = self.home.folder.path().join("start.py");
        fs::write(&path, script).expect("a file");
        let program = crate::program();
        self.start_script(&format!("exec python3 {path:?} {argument} {program:?} \"$@\""))
    }

    /// Starts the gateway with more arguments of `frontgate run`.
    pub fn start_with_arguments(self, arguments: &[&str]) -> Gateway {
        let (program, arguments) = (crate::program(), arguments.join(" "));
        self.start_script(&format!("exec {program:?} \"$@\" {arguments}"))
    }

    fn start_script(self, lines: &str) -> Gateway {
        let script = self.home.folder.path().join("gateway.sh");
        let text = format!("#!/bin/sh\n{lines}\n");
        fs::write(&script, text).expect("a file");
        fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("the file");
        self.write();
        Gateway::start_with(self.home, &script, &[])
    }

    /// Starts the gateway with a limit on open files.
    pub fn start_with_open_files(self, count: u32) -> Gateway {
        let program = crate::program();
        self.start_script(&format!("ulimit -n {count}\nexec {program:?} \"$@\""))
    }

    /// Starts the gateway, and waits until it accepts requests.
    pub fn start(self) -> Gateway {
        self.write();
        Gateway::start(self.home)
    }
}

/// Returns whether the tests run once more with Postgres instead of SQLite.
pub fn on_postgres() -> bool {
    std::env::var_os("FRONTGATE_STORE").is_some_and(|store| store == "postgres")
}

impl Default for Setup {
    fn default() -> Self {
        Self::new()
    }
}
