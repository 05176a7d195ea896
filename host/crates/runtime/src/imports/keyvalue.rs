//! `wasi:keyvalue`: the standard interface to the same key-value state as `state`.

use std::mem::size_of;

use frontgate_contract::bindings::keyvalue::store::{Error, Host, HostBucket, KeyResponse};
use frontgate_contract::bindings::keyvalue::{OpenBucket, atomics, batch};
use frontgate_contract::bindings::state::StateError;
use frontgate_state::{Refusal, Session};
use wasmtime::Result;
use wasmtime::component::{HasData, Resource, ResourceTable};

use super::state::{StateHost, state_error};

/// Number of keys in one page.
const PAGE_KEYS: usize = 100;

type Answer<T> = Result<Result<T, Error>>;

/// Host side of `wasi:keyvalue` for one call.
pub(crate) struct KeyValueHost<'a> {
    pub(crate) state: StateHost<'a>,
    pub(crate) table: &'a mut ResourceTable,
}

impl HasData for KeyValueHost<'static> {
    type Data<'a> = KeyValueHost<'a>;
}

impl Host for KeyValueHost<'_> {
    async fn open(&mut self, identifier: String) -> Answer<Resource<OpenBucket>> {
        if !matches!(identifier.as_str(), "" | "default") {
            return Ok(Err(Error::NoSuchStore));
        }
        if let Err(refusal) = self.session() {
            return Ok(Err(refusal));
        }
        let opened = self.table.push(OpenBucket);
        Ok(opened.map_err(|_| Error::Other("handles_max of plugins.limits reached".to_owned())))
    }
}

impl HostBucket for KeyValueHost<'_> {
    async fn get(&mut self, bucket: Resource<OpenBucket>, key: String) -> Answer<Option<Vec<u8>>> {
        self.check(&bucket)?;
        Ok(self.read(&key).await)
    }

    async fn set(&mut self, bucket: Resource<OpenBucket>, key: String, value: Vec<u8>) -> Answer<()> {
        self.check(&bucket)?;
        Ok(self.write(key, value).await)
    }

    async fn delete(&mut self, bucket: Resource<OpenBucket>, key: String) -> Answer<()> {
        self.check(&bucket)?;
        Ok(self.remove(key).await)
    }

    async fn exists(&mut self, bucket: Resource<OpenBucket>, key: String) -> Answer<bool> {
        self.check(&bucket)?;
        Ok(self.read(&key).await.map(|value| value.is_some()))
    }

    async fn list_keys(&mut self, bucket: Resource<OpenBucket>, cursor: Option<u64>) -> Answer<KeyResponse> {
        self.check(&bucket)?;
        Ok(self.page(cursor).await)
    }

    async fn drop(&mut self, bucket: Resource<OpenBucket>) -> Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl atomics::Host for KeyValueHost<'_> {
    async fn increment(&mut self, bucket: Resource<OpenBucket>, key: String, delta: u64) -> Answer<u64> {
        self.check(&bucket)?;
        Ok(self.add(key, delta).await)
    }
}

impl batch::Host for KeyValueHost<'_> {
    async fn get_many(
        &mut self,
        bucket: Resource<OpenBucket>,
        keys: Vec<String>,
    ) -> Answer<Vec<Option<(String, Vec<u8>)>>> {
        self.check(&bucket)?;
        Ok(self.read_many(keys).await)
    }

    async fn set_many(&mut self, bucket: Resource<OpenBucket>, pairs: Vec<(String, Vec<u8>)>) -> Answer<()> {
        self.check(&bucket)?;
        for (key, value) in pairs {
            if let Err(error) = self.write(key, value).await {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }

    async fn delete_many(&mut self, bucket: Resource<OpenBucket>, keys: Vec<String>) -> Answer<()> {
        self.check(&bucket)?;
        for key in keys {
            if let Err(error) = self.remove(key).await {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }
}

impl KeyValueHost<'_> {
    /// Traps on an invalid handle.
    fn check(&mut self, bucket: &Resource<OpenBucket>) -> Result<()> {
        self.table.get(bucket)?;
        Ok(())
    }

    /// Returns the session for the bucket of the plugin and the tenant.
    fn session(&mut self) -> Result<&mut Session, Error> {
        self.state.session().map_err(error)
    }

    async fn read(&mut self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.state.record(key).await;
        let value = self.session()?.get(key).await.map_err(refused)?;
        Ok(value.map(|value| value.bytes))
    }

    async fn write(&mut self, key: String, value: Vec<u8>) -> Result<(), Error> {
        self.session()?.set(key, value, None).await.map_err(refused)
    }

    async fn remove(&mut self, key: String) -> Result<(), Error> {
        self.session()?.delete(key).await.map_err(refused)
    }

    /// Adds to a counter. Counters of `state` can be negative, counters of `wasi:keyvalue` cannot.
    async fn add(&mut self, key: String, delta: u64) -> Result<u64, Error> {
        let by = i64::try_from(delta).map_err(|_| refused(Refusal::NotANumber))?;
        self.state.record(&key).await;
        let sum = self.session()?.increment(key, by, None, 0).await.map_err(refused)?;
        Ok(sum.unsigned_abs())
    }

    async fn page(&mut self, cursor: Option<u64>) -> Result<KeyResponse, Error> {
        self.state.record_list();
        let page = self.session()?.page(cursor, PAGE_KEYS).await.map_err(refused)?;
        let (keys, cursor) = page.ok_or_else(|| Error::Other("unknown cursor".to_owned()))?;
        Ok(KeyResponse { keys, cursor })
    }

    /// Reads several values. Limits their total size, since all of them are in memory at once.
    async fn read_many(&mut self, keys: Vec<String>) -> Result<Vec<Option<(String, Vec<u8>)>>, Error> {
        let mut left = self.session()?.limits().call_bytes_max;
        let mut found = Vec::new();
        for key in keys {
            self.state.record(&key).await;
            let value = self.session()?.get(&key).await.map_err(refused)?;
            let bytes =
                size_of::<(String, Vec<u8>)>() + value.as_ref().map_or(0, |value| key.len() + value.bytes.len());
            left = left.checked_sub(bytes).ok_or_else(|| refused(Refusal::TooLarge))?;
            found.push(value.map(|value| (key, value.bytes)));
        }
        Ok(found)
    }
}

fn refused(refusal: Refusal) -> Error {
    error(state_error(refusal))
}

/// Converts an error of `state`.
fn error(error: StateError) -> Error {
    let why = match error {
        StateError::NotGranted => return Error::AccessDenied,
        StateError::TooLarge => "key, value or batch exceeds a limit of plugins.state",
        StateError::Full => "storage quota of the plugin reached",
        StateError::NotANumber => "value is not a counter, or the result is out of range",
        StateError::Unavailable => "store unavailable, or key locked by another call; retry",
    };
    Error::Other(why.to_owned())
}
