//! `wasi:filesystem` over a granted folder: regular files and folders, read on threads of the plugin.
//!
//! Pipes, sockets and devices could block a thread without limit, so opening one is rejected. wasmtime implements all
//! other operations.

mod open;
pub(crate) mod stat;
mod stream;

use std::sync::Arc;

use rustix::io::Errno;
use wasmtime::Result;
use wasmtime::component::{HasData, Resource};
use wasmtime_wasi::filesystem::{Descriptor, Dir, File, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::filesystem::preopens;
use wasmtime_wasi::p2::bindings::filesystem::types::{self, ErrorCode, HostDescriptor, HostDirectoryEntryStream};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult};
use wasmtime_wasi::{FsPerms, OpenMode};

use self::open::{OpenRequest, Opened, count};
use self::stream::Stream;
use crate::run::folder::{FilePool, OpenFolder};

/// Maximum number of entries of a folder that a plugin can list: all entries are in memory at once.
const ENTRIES_MAX: usize = 16_384;

/// Host side of `wasi:filesystem` for one call.
pub(crate) struct FilesHost<'a> {
    pub(crate) inner: WasiFilesystemCtxView<'a>,
    /// `None` if the operator did not grant a folder.
    pub(crate) granted: Option<OpenFolder>,
}

impl HasData for FilesHost<'static> {
    type Data<'a> = FilesHost<'a>;
}

impl FilesHost<'_> {
    fn pool(&self) -> FsResult<Arc<FilePool>> {
        let granted = self.granted.as_ref().ok_or(ErrorCode::Access)?;
        Ok(Arc::clone(&granted.pool))
    }

    /// Returns the granted folder itself, if it is `fd` and on a local file system.
    fn local_folder(&self, fd: &Handle) -> FsResult<Option<&std::fs::File>> {
        let (Descriptor::Dir(dir), Some(granted)) = (self.inner.table.get(fd)?, &self.granted) else { return Ok(None) };
        Ok((granted.is_local && Arc::ptr_eq(&dir.dir, &granted.dir.dir)).then_some(&*dir.dir))
    }
}

/// Runs an operation of wasmtime's implementation on threads of the plugin.
macro_rules! on_pool {
    ($view:ident.$method:ident($($argument:expr),*)) => {{
        let pool = $view.pool()?;
        pool.run(HostDescriptor::$method(&mut $view.inner, $($argument),*)).await.unwrap_or_else(|| Err(busy()))
    }};
}

/// Returns the error for a file system that does not respond.
fn busy() -> FsError {
    ErrorCode::Busy.into()
}

impl preopens::Host for FilesHost<'_> {
    fn get_directories(&mut self) -> Result<Vec<(Resource<Descriptor>, String)>> {
        let Some(granted) = &self.granted else { return Ok(Vec::new()) };
        let folder = self.inner.table.push(Descriptor::Dir(granted.dir.clone()))?;
        Ok(vec![(folder, "/".to_owned())])
    }
}

impl types::Host for FilesHost<'_> {
    fn convert_error_code(&mut self, error: FsError) -> Result<ErrorCode> {
        self.inner.convert_error_code(error)
    }

    fn filesystem_error_code(&mut self, error: Resource<wasmtime::Error>) -> Result<Option<ErrorCode>> {
        self.inner.filesystem_error_code(error)
    }
}

type Handle = Resource<Descriptor>;

impl HostDescriptor for FilesHost<'_> {
    async fn open_at(
        &mut self,
        fd: Handle,
        path_flags: types::PathFlags,
        path: String,
        open_flags: types::OpenFlags,
        flags: types::DescriptorFlags,
    ) -> FsResult<Handle> {
        let Descriptor::Dir(dir) = self.inner.table.get(&fd)? else { return Err(ErrorCode::NotDirectory.into()) };
        let (dir, pool) = (Arc::clone(&dir.dir), self.pool()?);
        let request = OpenRequest::new(path_flags, open_flags, flags)?;
        let name = path.clone();
        let opening = async { tokio::task::spawn_blocking(move || request.open(&dir, &name)).await };
        let opened = pool.run(opening).await.ok_or_else(busy)?.map_err(FsError::trap)?;
        let opened = match opened {
            // The kernel has no `openat2`.
            Err(Errno::NOSYS) => return self.open_without_openat2(fd, path_flags, path, open_flags, flags).await,
            opened => opened.map_err(std::io::Error::from)?,
        };
        let opened = match opened {
            Opened::Folder(folder) => Descriptor::Dir(Dir::new(folder, FsPerms::ReadOnly, OpenMode::READ, false)),
            Opened::File(file) => Descriptor::File(File::new(file, FsPerms::ReadOnly, OpenMode::READ, false)),
            Opened::Special => return Err(ErrorCode::Access.into()),
        };
        Ok(self.inner.table.push(opened)?)
    }

    async fn read_directory(&mut self, fd: Handle) -> FsResult<Resource<types::DirectoryEntryStream>> {
        if let Descriptor::Dir(dir) = self.inner.table.get(&fd)? {
            let (dir, pool) = (Arc::clone(&dir.dir), self.pool()?);
            let counting = async { tokio::task::spawn_blocking(move || count(&dir, ENTRIES_MAX)).await };
            let entries = pool.run(counting).await.ok_or_else(busy)?.map_err(FsError::trap)?;
            if entries.map_err(std::io::Error::from)? > ENTRIES_MAX {
                return Err(ErrorCode::InsufficientMemory.into());
            }
        }
        on_pool!(self.read_directory(fd))
    }

    fn read_via_stream(&mut self, fd: Handle, offset: types::Filesize) -> FsResult<Resource<DynInputStream>> {
        let pool = self.pool()?;
        let stream = self.inner.read_via_stream(fd, offset)?;
        let inner = self.inner.table.delete(stream)?;
        let stream: DynInputStream = Box::new(Stream::new(inner, pool));
        Ok(self.inner.table.push(stream)?)
    }

    async fn advise(
        &mut self,
        fd: Handle,
        offset: types::Filesize,
        length: types::Filesize,
        advice: types::Advice,
    ) -> FsResult<()> {
        on_pool!(self.advise(fd, offset, length, advice))
    }

    async fn sync_data(&mut self, fd: Handle) -> FsResult<()> {
        on_pool!(self.sync_data(fd))
    }

    async fn get_flags(&mut self, fd: Handle) -> FsResult<types::DescriptorFlags> {
        on_pool!(self.get_flags(fd))
    }

    async fn get_type(&mut self, fd: Handle) -> FsResult<types::DescriptorType> {
        on_pool!(self.get_type(fd))
    }

    async fn read(
        &mut self,
        fd: Handle,
        length: types::Filesize,
        offset: types::Filesize,
    ) -> FsResult<(Vec<u8>, bool)> {
        on_pool!(self.read(fd, length, offset))
    }

    async fn sync(&mut self, fd: Handle) -> FsResult<()> {
        on_pool!(self.sync(fd))
    }

    async fn stat(&mut self, fd: Handle) -> FsResult<types::DescriptorStat> {
        on_pool!(self.stat(fd))
    }

    async fn stat_at(
        &mut self,
        fd: Handle,
        path_flags: types::PathFlags,
        path: String,
    ) -> FsResult<types::DescriptorStat> {
        if let Some(found) = self.local_folder(&fd)?.and_then(|dir| stat::in_memory(dir, path_flags, &path)) {
            return Ok(found);
        }
        on_pool!(self.stat_at(fd, path_flags, path))
    }

    async fn readlink_at(&mut self, fd: Handle, path: String) -> FsResult<String> {
        on_pool!(self.readlink_at(fd, path))
    }

    async fn metadata_hash(&mut self, fd: Handle) -> FsResult<types::MetadataHashValue> {
        on_pool!(self.metadata_hash(fd))
    }

    async fn metadata_hash_at(
        &mut self,
        fd: Handle,
        path_flags: types::PathFlags,
        path: String,
    ) -> FsResult<types::MetadataHashValue> {
        if let Some(found) = self.local_folder(&fd)?.and_then(|dir| stat::identity_in_memory(dir, path_flags, &path)) {
            return Ok(found);
        }
        on_pool!(self.metadata_hash_at(fd, path_flags, path))
    }

    async fn is_same_object(&mut self, one: Handle, other: Handle) -> Result<bool> {
        let Ok(pool) = self.pool() else { return Ok(false) };
        pool.run(self.inner.is_same_object(one, other)).await.unwrap_or(Ok(false))
    }

    fn drop(&mut self, fd: Handle) -> Result<()> {
        HostDescriptor::drop(&mut self.inner, fd)
    }

    // wasmtime rejects the following operations before anything blocks, since the folder is read-only.

    async fn set_size(&mut self, fd: Handle, size: types::Filesize) -> FsResult<()> {
        self.inner.set_size(fd, size).await
    }

    async fn set_times(
        &mut self,
        fd: Handle,
        accessed: types::NewTimestamp,
        modified: types::NewTimestamp,
    ) -> FsResult<()> {
        self.inner.set_times(fd, accessed, modified).await
    }

    async fn write(&mut self, fd: Handle, bytes: Vec<u8>, offset: types::Filesize) -> FsResult<types::Filesize> {
        self.inner.write(fd, bytes, offset).await
    }

    async fn create_directory_at(&mut self, fd: Handle, path: String) -> FsResult<()> {
        self.inner.create_directory_at(fd, path).await
    }

    async fn set_times_at(
        &mut self,
        fd: Handle,
        path_flags: types::PathFlags,
        path: String,
        accessed: types::NewTimestamp,
        modified: types::NewTimestamp,
    ) -> FsResult<()> {
        self.inner.set_times_at(fd, path_flags, path, accessed, modified).await
    }

    async fn link_at(
        &mut self,
        fd: Handle,
        flags: types::PathFlags,
        path: String,
        to: Handle,
        name: String,
    ) -> FsResult<()> {
        self.inner.link_at(fd, flags, path, to, name).await
    }

    async fn remove_directory_at(&mut self, fd: Handle, path: String) -> FsResult<()> {
        self.inner.remove_directory_at(fd, path).await
    }

    async fn rename_at(&mut self, fd: Handle, path: String, to: Handle, name: String) -> FsResult<()> {
        self.inner.rename_at(fd, path, to, name).await
    }

    async fn symlink_at(&mut self, fd: Handle, target: String, path: String) -> FsResult<()> {
        self.inner.symlink_at(fd, target, path).await
    }

    async fn unlink_file_at(&mut self, fd: Handle, path: String) -> FsResult<()> {
        self.inner.unlink_file_at(fd, path).await
    }

    fn write_via_stream(&mut self, fd: Handle, offset: types::Filesize) -> FsResult<Resource<DynOutputStream>> {
        self.inner.write_via_stream(fd, offset)
    }

    fn append_via_stream(&mut self, fd: Handle) -> FsResult<Resource<DynOutputStream>> {
        self.inner.append_via_stream(fd)
    }
}

impl HostDirectoryEntryStream for FilesHost<'_> {
    async fn read_directory_entry(
        &mut self,
        stream: Resource<types::DirectoryEntryStream>,
    ) -> FsResult<Option<types::DirectoryEntry>> {
        self.inner.read_directory_entry(stream).await
    }

    fn drop(&mut self, stream: Resource<types::DirectoryEntryStream>) -> Result<()> {
        HostDirectoryEntryStream::drop(&mut self.inner, stream)
    }
}

impl FilesHost<'_> {
    /// Checks the type before and after opening. A special file that replaces a regular one in between can block a
    /// thread of this plugin, as a hanging drive can.
    async fn open_without_openat2(
        &mut self,
        fd: Handle,
        path_flags: types::PathFlags,
        path: String,
        open_flags: types::OpenFlags,
        flags: types::DescriptorFlags,
    ) -> FsResult<Handle> {
        let folder = || Resource::new_borrow(fd.rep());
        let found: types::DescriptorStat = on_pool!(self.stat_at(folder(), path_flags, path.clone()))?;
        let is_plain = |kind| {
            use types::DescriptorType::{Directory, RegularFile, SymbolicLink};
            matches!(kind, Directory | RegularFile | SymbolicLink)
        };
        if !is_plain(found.type_) {
            return Err(ErrorCode::Access.into());
        }
        let opened: Handle = on_pool!(self.open_at(folder(), path_flags, path, open_flags, flags))?;
        let kind = on_pool!(self.get_type(Resource::new_borrow(opened.rep())))?;
        if !is_plain(kind) {
            self.inner.table.delete(opened)?;
            return Err(ErrorCode::Access.into());
        }
        Ok(opened)
    }
}
