//! A Prometheus and an Alertmanager of our own: on free ports of this machine, with folders that
//! are gone afterwards, and none of root's rights.

use super::super::error::{CommandError, ProcessError, unwritable};
use super::super::run::STOP;
use caxton_monitor::get;
use caxton_sys::process;
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Child;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// Looks for a server's readiness, and the pause between two.
const LOOKS: u64 = 300;
const PAUSE: Duration = Duration::from_millis(100);
/// How long one answer may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// What is shown of a log.
const SAID_MAX: usize = 600;

/// A server that ends with this.
pub(super) struct Server {
    pub address: SocketAddr,
    child: Child,
    folder: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An Alertmanager that tells `webhook` of each change within a second.
pub(super) fn alertmanager(webhook: SocketAddr) -> Result<Server, CommandError> {
    let config = format!(
        "route: {{receiver: check, group_by: [alertname], group_wait: 0s, group_interval: 1s}}\n\
         receivers:\n- name: check\n  webhook_configs: [{{url: 'http://{webhook}/'}}]\n"
    );
    let flags = ["--config.file=config.yml", "--storage.path=data", "--cluster.listen-address="];
    Server::start("prometheus-alertmanager", &flags, &[("config.yml", &config)])
}

/// A Prometheus that scrapes `target` each second, has `rules`, and tells `alertmanager`.
pub(super) fn prometheus(
    target: SocketAddr,
    alertmanager: SocketAddr,
    rules: &str,
) -> Result<Server, CommandError> {
    let config = format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
         rule_files: [rules.yml]\n\
         alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{alertmanager}']}}]}}]}}\n\
         scrape_configs: [{{job_name: caxton, static_configs: [{{targets: ['{target}']}}]}}]\n"
    );
    let flags = [
        "--config.file=config.yml",
        "--storage.tsdb.path=data",
        "--storage.tsdb.retention.time=1h",
    ];
    Server::start("prometheus", &flags, &[("config.yml", &config), ("rules.yml", rules)])
}

impl Server {
    fn start(
        program: &'static str,
        flags: &[&str],
        files: &[(&str, &str)],
    ) -> Result<Self, CommandError> {
        let refused = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => CommandError::NoServer { program },
            _ => ProcessError::Start { program: program.to_owned(), source }.into(),
        };
        let folder = tempfile::tempdir().map_err(unwritable(&std::env::temp_dir()))?;
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::write(&path, text).map_err(unwritable(&path))?;
        }
        let path = folder.path().join("log");
        let log = File::create(&path).map_err(unwritable(&path))?;
        let address = free_address().map_err(CommandError::Watch)?;
        let own = [
            format!("--web.listen-address={address}"),
            format!("--web.external-url=http://{address}"),
        ];
        let flags: Vec<String> = flags.iter().map(ToString::to_string).chain(own).collect();
        let child = process::spawn_server(program, &flags, folder.path(), log).map_err(refused)?;
        let mut server = Self { address, child, folder };
        server.wait(program)?;
        Ok(server)
    }

    fn wait(&mut self, program: &'static str) -> Result<(), CommandError> {
        for _ in 0..LOOKS {
            if STOP.load(Ordering::Relaxed) {
                return Err(CommandError::Interrupted);
            }
            if get(&format!("http://{}/-/ready", self.address), PATIENCE).is_ok() {
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                let (program, how) = (program.to_owned(), process::describe(status));
                let said = last_words(&self.folder.path().join("log"));
                let is_interrupted = false;
                return Err(ProcessError::Ended { program, how, said, is_interrupted }.into());
            }
            thread::sleep(PAUSE);
        }
        let seconds = LOOKS * PAUSE.as_millis() as u64 / 1000;
        Err(CommandError::NotReady { program, seconds })
    }
}

fn last_words(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let start = text.len().saturating_sub(SAID_MAX);
    let start = (start..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    text[start..].trim().to_owned()
}

/// An address of this machine that nobody has at the moment.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}
