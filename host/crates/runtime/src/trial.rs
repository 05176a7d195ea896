//! Trial start of a plugin: creates one instance under all limits, as its calls will.
//!
//! A plugin that traps here would trap in every call. No function of the plugin is called.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::bail;
use tokio::time::{Instant, timeout_at};

use crate::call::ended;
use crate::call_record::CallRecords;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::CallError;
use crate::loaded_plugin::LoadedPlugin;
use crate::run::live_instance::LiveInstance;
use crate::run::offload::offload;
use crate::run::store;

/// Reason why a trial start failed.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// The plugin is at fault: another attempt would fail as well.
    #[error("{0:#}")]
    Plugin(anyhow::Error),
    /// Another attempt may succeed.
    #[error(transparent)]
    Gateway(#[from] CallError),
    /// The plugin did not start in time, which a busy machine can cause.
    #[error("it does not start within call_timeout_ms = {0}")]
    Timeout(u64),
}

/// Starts a plugin once, and looks up the functions of its roles. Waits for capacity that only trials use.
pub async fn start_once(engine: &Engine, plugin: &LoadedPlugin) -> Result<(), TrialError> {
    let permit = Arc::clone(&engine.trials).acquire_owned().await;
    let caller = Caller { tenant: "-".into(), request: "trial".into(), share: None, records: CallRecords::default() };
    let limit = plugin.limits.call_timeout_ms;
    let folder = plugin.open_folder(Instant::now() + Duration::from_millis(limit)).await?;
    let mut store = store::fresh(plugin.pre.engine(), plugin.allowance(), &caller, None, folder);
    let usage = Arc::clone(&store.data().usage);
    let (pre, exports) = (plugin.pre.clone(), Arc::clone(&plugin.exports));
    let start = Box::pin(async move {
        let mut live = match pre.instantiate_async(&mut store).await {
            Ok(instance) => LiveInstance::new(store, instance),
            Err(error) => {
                let ended = ended(&error, store.data().memory.refused);
                bail!("it does not start: {ended}: {}", ended.detail().unwrap_or_default())
            }
        };
        exports.try_all(&mut live)?;
        // The permit outlives the store.
        drop(live);
        drop(permit);
        Ok(())
    });
    let cpu_bound = AtomicBool::new(true);
    let until = Instant::now() + Duration::from_millis(limit);
    match timeout_at(until, offload(&engine.plugin_threads, &usage, &cpu_bound, start)).await {
        Ok(started) => started?.map_err(TrialError::Plugin),
        Err(_) => Err(TrialError::Timeout(limit)),
    }
}
