//! Writes the configuration and secrets of an ephemeral gateway into the project's folder `.frontgate`, where authors
//! can read them.

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use frontgate_contract::Role;
use frontgate_plugin_test::Project;
use frontgate_runtime::settings::oauth::TOKEN;
use toml::{Table, Value as Toml};

/// Name of the tenant that uses the plugin.
const TENANT: &str = "dev";
/// Size in bytes from which a plugin gets a quick build first, because the author waits for it.
const QUICK_BUILD_BYTES_MIN: i64 = 500_000;

/// Addresses of the gateway.
pub(super) struct Addresses<'p> {
    pub(super) listen: SocketAddr,
    pub(super) admin: SocketAddr,
    pub(super) socket: &'p Path,
}

/// Writes the configuration and random signing secrets.
pub(super) fn write(
    folder: &Path,
    Addresses { listen, admin, socket }: Addresses<'_>,
    project: &Project,
    roles: &[Role],
) -> anyhow::Result<()> {
    let name = project.name()?;
    let table = |pairs: Vec<(&str, Toml)>| -> Toml {
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Table>().into()
    };
    let file = |name: &str| table(vec![("file", format!("secrets/{name}").into())]);
    secret(folder, "auth-token")?;
    secret(folder, "app-secret")?;
    fs::write(folder.join("secrets/app-uid"), "dev-app")?;
    let front = Role::Channel;
    // An index would answer instead of the role crm, whose answers the author wants to see.
    let has_index = roles.contains(&Role::CrmSource) && !roles.contains(&Role::Crm);
    // The plugin for channels and their sign-in belongs to the Front app.
    let is_asked =
        |role: &Role| !matches!(role, Role::Channel | Role::ChannelLogin) && (*role != Role::CrmSource || has_index);
    let asked = roles.iter().filter(|role| is_asked(role)).map(|role| (role.name(), vec![name].into())).collect();
    // A role of calls needs callbacks of calls.
    let voice = table(vec![("enabled", roles.contains(&Role::Calls).into())]);
    let mut tenant = vec![
        ("path", "/".into()),
        ("twilio", table(vec![("auth_tokens", vec![file("auth-token")].into()), ("voice", voice)])),
        ("roles", table(asked)),
        ("customers", table(vec![("index", has_index.into())])),
    ];
    if roles.contains(&front) {
        let app = table(vec![
            ("app_uid", file("app-uid")),
            ("app_secrets", vec![file("app-secret")].into()),
            ("plugin", name.into()),
        ]);
        tenant.push(("front", table(vec![(TENANT, app)])));
    }
    let whole = table(vec![
        (
            "server",
            table(vec![("listen", listen.to_string().into()), ("public_url", format!("http://{listen}").into())]),
        ),
        ("admin", table(vec![("listen", admin.to_string().into()), ("socket", socket.display().to_string().into())])),
        // The author's screen shows the calls.
        ("console", table(vec![("listen", "off".into())])),
        ("store", table(vec![("url", "sqlite:data/frontgate.db".into())])),
        (
            "plugins",
            table(vec![
                ("directory", "plugins".into()),
                ("cache", "data/compiled".into()),
                ("records", "data/plugins".into()),
                ("quick_build_bytes_min", QUICK_BUILD_BYTES_MIN.into()),
                // The author needs to see crashes, so a crash must not cause a rollback.
                ("probation", table(vec![("calls", 0.into())])),
                ("named", table(vec![(name, granted(folder, project)?)])),
            ]),
        ),
        ("tenants", table(vec![(TENANT, table(tenant))])),
    ]);
    let text = format!(
        "# Written by `frontgate dev` from plugin.toml at each build. Send a callback with\n\
         # frontgate send twilio CALLBACK --config {}\n\n{}",
        folder.join("config.toml").display(),
        toml::to_string(&whole)?
    );
    fs::write(folder.join("config.toml"), text).context("failed to write the configuration")
}

/// Generates a secret unless its file exists.
fn secret(folder: &Path, name: &str) -> anyhow::Result<()> {
    let path = folder.join("secrets").join(name);
    if !path.exists() {
        fs::write(&path, uuid::Uuid::new_v4().simple().to_string())?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    }
    Ok(())
}

/// Returns the plugin's table, with placeholder secrets and absolute paths.
fn granted(folder: &Path, project: &Project) -> anyhow::Result<Toml> {
    let mut settings = project.plugin.clone().unwrap_or_default();
    // The author waits for the build and trusts the code.
    settings.entry("quick_build").or_insert(true.into());
    if let Some(Toml::String(files)) = settings.get("files") {
        let absolute = project.folder.join(files).display().to_string();
        settings.insert("files".to_owned(), absolute.into());
    }
    for key in ["secrets", "webhook_keys"] {
        let own = settings.get_mut(key).and_then(Toml::as_table_mut);
        own.map_or(Ok(()), |own| use_placeholders(folder, own, project))?;
    }
    for bound in settings.get_mut("bound_secrets").and_then(Toml::as_array_mut).into_iter().flatten() {
        let Some(bound) = bound.as_table_mut() else { continue };
        // A placeholder for the access token replaces the authorization server.
        let is_replaced = project.test.secrets.contains_key(TOKEN) && bound.remove("oauth").is_some();
        let secrets = bound.entry("secrets").or_insert_with(|| Table::new().into()).as_table_mut();
        let Some(secrets) = secrets else { continue };
        secrets.extend(is_replaced.then(|| (TOKEN.to_owned(), Table::new().into())));
        use_placeholders(folder, secrets, project)?;
    }
    Ok(settings.into())
}

/// Replaces references to secrets by the placeholders in `[test]`.
fn use_placeholders(folder: &Path, secrets: &mut Table, project: &Project) -> anyhow::Result<()> {
    for (name, reference) in secrets.iter_mut() {
        if let Some(value) = project.test.secrets.get(name) {
            let path = folder.join("secrets").join(format!("plugin-{name}"));
            fs::write(&path, value)?;
            fs::set_permissions(&path, Permissions::from_mode(0o600))?;
            let file = ("file".to_owned(), Toml::String(path.display().to_string()));
            *reference = Table::from_iter([file]).into();
        }
    }
    Ok(())
}
