//! `wasi:keyvalue`: the same store as `state`, for plugins whose toolchain knows it.

use std::mem::size_of;

use frontgate_contract::bindings::keyvalue::store::{Error, Host, HostBucket, KeyResponse};
use frontgate_contract::bindings::keyvalue::{OpenBucket, atomics, batch, store};
use frontgate_contract::bindings::state::StateError;
use frontgate_state::{Refusal, Session};
use wasmtime::Result;
use wasmtime::component::{HasSelf, Linker, Resource};
use wasmtime_wasi::WasiView as _;

use super::state;
use crate::run::store::CallStore;

/// Keys of one page.
const PAGE_KEYS: usize = 100;

type Answer<T> = Result<Result<T, Error>>;

pub(super) fn add_to_linker(linker: &mut Linker<CallStore>) -> Result<()> {
    store::add_to_linker::<_, HasSelf<_>>(linker, |store| store)?;
    atomics::add_to_linker::<_, HasSelf<_>>(linker, |store| store)?;
    batch::add_to_linker::<_, HasSelf<_>>(linker, |store| store)
}

impl Host for CallStore {
    async fn open(&mut self, identifier: String) -> Answer<Resource<OpenBucket>> {
        if !matches!(identifier.as_str(), "" | "default") {
            return Ok(Err(Error::NoSuchStore));
        }
        if let Err(refused) = session(self) {
            return Ok(Err(refused));
        }
        let opened = self.ctx().table.push(OpenBucket);
        Ok(opened.map_err(|_| Error::Other("handles_max of plugins.limits is reached".to_owned())))
    }
}

impl HostBucket for CallStore {
    async fn get(&mut self, bucket: Resource<OpenBucket>, key: String) -> Answer<Option<Vec<u8>>> {
        self.check(&bucket)?;
        Ok(get(self, &key).await)
    }

    async fn set(&mut self, bucket: Resource<OpenBucket>, key: String, value: Vec<u8>) -> Answer<()> {
        self.check(&bucket)?;
        Ok(set(self, key, value).await)
    }

    async fn delete(&mut self, bucket: Resource<OpenBucket>, key: String) -> Answer<()> {
        self.check(&bucket)?;
        Ok(delete(self, key).await)
    }

    async fn exists(&mut self, bucket: Resource<OpenBucket>, key: String) -> Answer<bool> {
        self.check(&bucket)?;
        Ok(get(self, &key).await.map(|value| value.is_some()))
    }

    async fn list_keys(&mut self, bucket: Resource<OpenBucket>, cursor: Option<u64>) -> Answer<KeyResponse> {
        self.check(&bucket)?;
        Ok(keys(self, cursor).await)
    }

    async fn drop(&mut self, bucket: Resource<OpenBucket>) -> Result<()> {
        self.ctx().table.delete(bucket)?;
        Ok(())
    }
}

impl atomics::Host for CallStore {
    async fn increment(&mut self, bucket: Resource<OpenBucket>, key: String, delta: u64) -> Answer<u64> {
        self.check(&bucket)?;
        Ok(increment(self, key, delta).await)
    }
}

impl batch::Host for CallStore {
    async fn get_many(
        &mut self,
        bucket: Resource<OpenBucket>,
        keys: Vec<String>,
    ) -> Answer<Vec<Option<(String, Vec<u8>)>>> {
        self.check(&bucket)?;
        Ok(get_many(self, keys).await)
    }

    async fn set_many(&mut self, bucket: Resource<OpenBucket>, pairs: Vec<(String, Vec<u8>)>) -> Answer<()> {
        self.check(&bucket)?;
        for (key, value) in pairs {
            if let Err(error) = set(self, key, value).await {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }

    async fn delete_many(&mut self, bucket: Resource<OpenBucket>, keys: Vec<String>) -> Answer<()> {
        self.check(&bucket)?;
        for key in keys {
            if let Err(error) = delete(self, key).await {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }
}

impl CallStore {
    /// A handle that is none ends the call.
    fn check(&mut self, bucket: &Resource<OpenBucket>) -> Result<()> {
        self.ctx().table.get(bucket)?;
        Ok(())
    }
}

async fn get(store: &mut CallStore, key: &str) -> Result<Option<Vec<u8>>, Error> {
    let value = session(store)?.get(key).await.map_err(refused)?;
    Ok(value.map(|value| value.bytes))
}

async fn set(store: &mut CallStore, key: String, value: Vec<u8>) -> Result<(), Error> {
    session(store)?.set(key, value, None).await.map_err(refused)
}

async fn delete(store: &mut CallStore, key: String) -> Result<(), Error> {
    session(store)?.delete(key).await.map_err(refused)
}

/// A counter of `state` can be negative, and one of `wasi:keyvalue` cannot.
async fn increment(store: &mut CallStore, key: String, delta: u64) -> Result<u64, Error> {
    let by = i64::try_from(delta).map_err(|_| refused(Refusal::NotANumber))?;
    let sum = session(store)?.increment(key, by, None, 0).await.map_err(refused)?;
    Ok(sum.unsigned_abs())
}

async fn keys(store: &mut CallStore, cursor: Option<u64>) -> Result<KeyResponse, Error> {
    let page = session(store)?.page(cursor, PAGE_KEYS).await.map_err(refused)?;
    let (keys, cursor) = page.ok_or_else(|| Error::Other("this cursor is none of this call".to_owned()))?;
    Ok(KeyResponse { keys, cursor })
}

/// All of it is held here at once, so that there is a limit.
async fn get_many(store: &mut CallStore, keys: Vec<String>) -> Result<Vec<Option<(String, Vec<u8>)>>, Error> {
    let session = session(store)?;
    let mut left = session.limits().call_bytes_max;
    let mut found = Vec::new();
    for key in keys {
        let value = session.get(&key).await.map_err(refused)?;
        let bytes = size_of::<(String, Vec<u8>)>() + value.as_ref().map_or(0, |value| key.len() + value.bytes.len());
        left = left.checked_sub(bytes).ok_or_else(|| refused(Refusal::TooLarge))?;
        found.push(value.map(|value| (key, value.bytes)));
    }
    Ok(found)
}

/// The bucket of the plugin and the tenant.
fn session(store: &mut CallStore) -> Result<&mut Session, Error> {
    state::session(store).map_err(error)
}

fn refused(refusal: Refusal) -> Error {
    error(state::error(refusal))
}

/// An error of `state` as one of `wasi:keyvalue`.
fn error(error: StateError) -> Error {
    let why = match error {
        StateError::NotGranted => return Error::AccessDenied,
        StateError::TooLarge => "a key, a value or a batch is larger than a limit of plugins.state",
        StateError::Full => "the plugin's share is used up",
        StateError::NotANumber => "this is no counter, or it would leave its range",
        StateError::Unavailable => "the store did not answer, or another call holds the key; try again",
    };
    Error::Other(why.to_owned())
}
