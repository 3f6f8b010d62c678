//! Small requests to others: to this very address and nowhere else, by no proxy and no redirect, in
//! bounded time and memory.

use std::time::Duration;
use ureq::Agent;

/// The longest answer.
const BYTES_MAX: u64 = 4 << 20;

/// Whether `text` can be asked: `http://HOST…`; there is no TLS.
pub fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("http://").unwrap_or_default();
    !rest.is_empty() && !rest.starts_with('/') && !rest.contains(char::is_whitespace)
}

fn agent(patience: Duration) -> Agent {
    let config = Agent::config_builder().timeout_global(Some(patience));
    config.proxy(None).max_redirects(0).build().into()
}

/// What `url` answers within `patience`.
///
/// # Errors
/// Why there is no answer, or none that is a success.
pub fn get(url: &str, patience: Duration) -> Result<String, String> {
    let answer = agent(patience).get(url).call();
    let text = answer.and_then(|mut answer| {
        let is_success = answer.status().is_success();
        let text = answer.body_mut().with_config().limit(BYTES_MAX).read_to_string()?;
        if is_success { Ok(text) } else { Err(ureq::Error::StatusCode(answer.status().as_u16())) }
    });
    text.map_err(|error| error.to_string())
}

/// Hands `body` to `url` as JSON.
///
/// # Errors
/// Why it was not taken within `patience`.
pub(crate) fn post(url: &str, body: &str, patience: Duration) -> Result<(), String> {
    let request = agent(patience).post(url).header("content-type", "application/json");
    match request.send(body) {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(format!("{url}: status {}", answer.status().as_u16())),
        Err(error) => Err(format!("{url}: {error}")),
    }
}
