//! Stubs of a plugin's upstreams: the stubs' addresses, and the program that tests start.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use frontgate_net::one_shot;
use frontgate_runtime::AddressOverride;
use http_body_util::Full;
use hyper::http::request;
use hyper::{HeaderMap, Request, StatusCode};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};
use url::{Position, Url};

use super::project::Project;

/// Maximum time until a stub program listens.
const START_TIMEOUT: Duration = Duration::from_secs(20);
const START_PAUSE: Duration = Duration::from_millis(20);

/// Addresses of stubs, by the authority of the site that each stub replaces.
#[derive(Debug, Default)]
pub struct Upstreams(BTreeMap<String, Upstream>);

#[derive(Debug)]
struct Upstream {
    site: String,
    address: SocketAddr,
}

/// A running stub program, whose process group is terminated on drop.
pub struct UpstreamProgram(Child);

impl Upstreams {
    /// Reads `test.upstreams` of a project.
    pub fn of(project: &Project) -> anyhow::Result<Self> {
        let mut all = BTreeMap::new();
        for (site, upstream) in &project.test.upstreams {
            let fault = |what: &str| {
                format!("plugin.toml: test.upstreams: invalid address `{what}`; write it as http://127.0.0.1:4010")
            };
            let url = Url::parse(site).with_context(|| fault(site))?;
            let to = Url::parse(upstream).with_context(|| fault(upstream))?;
            let address = to.socket_addrs(|| None).ok().and_then(|all| all.into_iter().next());
            let address = address.filter(|_| to.scheme() == "http").with_context(|| fault(upstream))?;
            let authority = url[Position::BeforeHost..Position::AfterPort].to_owned();
            all.insert(authority, Upstream { site: site.clone(), address });
        }
        Ok(Self(all))
    }

    /// Redirects connections to these sites to their stubs. Other connections go to the real host.
    pub fn address_override(&self) -> AddressOverride {
        let sites = self.0.values().map(|upstream| (upstream.site.clone(), upstream.address));
        let sites: BTreeMap<String, SocketAddr> = sites.collect();
        Arc::new(move |site| sites.get(site).copied().map(Ok))
    }

    /// Returns the site with this authority.
    pub(super) fn site(&self, authority: &str) -> Option<String> {
        self.0.get(authority).map(|upstream| upstream.site.clone())
    }

    /// Forwards a request to the stub of its site. Returns `None` if the site has no stub.
    pub(super) async fn forward(
        &self,
        authority: &str,
        head: &request::Parts,
        body: Bytes,
    ) -> Option<anyhow::Result<(StatusCode, HeaderMap, Bytes)>> {
        let upstream = self.0.get(authority)?;
        Some(upstream.exchange(head, body).await)
    }

    /// Waits until every stub listens.
    async fn listening(&self) -> anyhow::Result<()> {
        let until = Instant::now() + START_TIMEOUT;
        for Upstream { site, address } in self.0.values() {
            while let Err(error) = TcpStream::connect(address).await {
                if Instant::now() >= until {
                    bail!("upstream of {site} does not listen at {address}: {error}");
                }
                sleep(START_PAUSE).await;
            }
        }
        Ok(())
    }
}

impl Upstream {
    async fn exchange(&self, head: &request::Parts, body: Bytes) -> anyhow::Result<(StatusCode, HeaderMap, Bytes)> {
        let stream =
            TcpStream::connect(self.address).await.with_context(|| format!("failed to connect to {}", self.address))?;
        let request = Request::from_parts(head.clone(), Full::new(body));
        let (head, body) = one_shot(stream, request).await?.into_parts();
        Ok((head.status, head.headers, body))
    }
}

impl UpstreamProgram {
    /// Starts `test.command` of a project, if set, and waits until the upstreams listen.
    pub async fn start(project: &Project, upstreams: &Upstreams) -> anyhow::Result<Option<Self>> {
        let Some((program, arguments)) = project.test.command.split_first() else {
            return Ok(None);
        };
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).process_group(0);
        if !project.folder.as_os_str().is_empty() {
            command.current_dir(&project.folder);
        }
        let child = command.spawn().with_context(|| format!("plugin.toml: test.command: failed to start {program}"))?;
        let mut program = Self(child);
        tokio::select! {
            listening = upstreams.listening() => listening?,
            ended = program.ended() => bail!("plugin.toml: test.command ended before its upstreams listened: {ended}"),
        }
        Ok(Some(program))
    }

    async fn ended(&mut self) -> String {
        loop {
            match self.0.try_wait() {
                Ok(Some(status)) => return status.to_string(),
                Ok(None) => sleep(START_PAUSE).await,
                Err(error) => return error.to_string(),
            }
        }
    }
}

impl Drop for UpstreamProgram {
    fn drop(&mut self) {
        let group = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        // The process may have ended already.
        let _ = group.map(|group| kill_process_group(group, Signal::TERM));
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
