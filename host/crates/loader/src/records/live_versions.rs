//! The live version of each plugin, for another process than the gateway.

use std::collections::BTreeMap;

use frontgate_runtime::settings::Plugins;

use super::{Access, Records, read_version};

/// Returns the bytes of each live version by the plugin's name, and `None` for a name without one. An empty map means that
/// no gateway has run with this folder.
pub fn live_versions(plugins: &Plugins) -> anyhow::Result<BTreeMap<String, Option<Vec<u8>>>> {
    let records = Records::open(&plugins.records, Access::Read, plugins)?;
    let read = |digest| read_version(&plugins.records, digest);
    let names = records.content.names.iter();
    names.map(|(name, record)| Ok((name.clone(), record.live.map(read).transpose()?))).collect()
}
