//! Alerts as others take them: Alertmanager's v2 API, or a webhook with the payload that
//! Alertmanager would send (version 4).

use crate::http::{is_url, post};
use caxton_model::slo::{Severity, Slo};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::hash::Hasher;
use std::str::FromStr;
use std::time::Duration;
use twox_hash::XxHash64;

/// How long one post may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The end of an alert that goes on, in Alertmanager's payload.
const NEVER: &str = "0001-01-01T00:00:00Z";
const RECEIVER: &str = "caxton-monitor";

/// An alert at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    pub slo: Slo,
    pub severity: Severity,
    pub is_firing: bool,
    pub since: Timestamp,
    /// When it ended; of one that fires, when it shall end if nothing more is heard of it.
    pub until: Timestamp,
    /// How fast the budget burns; none where it does not any more.
    pub burn: Option<f64>,
}

impl Notice {
    /// What makes it the same alert, from one moment to the next; sorted by name.
    fn labels(&self) -> [(&'static str, &str); 3] {
        let severity = self.severity;
        [("alertname", severity.alert()), ("severity", severity.name()), ("slo", &self.slo.name)]
    }

    fn labels_json(&self) -> Value {
        Value::Object(
            self.labels().map(|(name, value)| (name.into(), value.into())).into_iter().collect(),
        )
    }

    fn annotations(&self) -> Value {
        let times = match self.burn {
            Some(burn) => format!("{burn:.3} times as fast as it may"),
            None => "no longer faster than it may".to_owned(),
        };
        json!({"summary": format!("{} burns its error budget {times}", self.slo.name)})
    }

    /// Sixteen digits that two alerts with the same labels share.
    fn fingerprint(&self) -> String {
        let mut hasher = XxHash64::with_seed(0);
        for (name, value) in self.labels() {
            for part in [name, value] {
                hasher.write(part.as_bytes());
                hasher.write_u8(0xff);
            }
        }
        format!("{:016x}", hasher.finish())
    }
}

/// The body for `POST /api/v2/alerts` of an Alertmanager.
pub fn alertmanager(notices: &[Notice]) -> Value {
    let one = |notice: &Notice| {
        json!({
            "labels": notice.labels_json(),
            "annotations": notice.annotations(),
            "startsAt": notice.since.to_string(),
            "endsAt": notice.until.to_string(),
        })
    };
    notices.iter().map(one).collect()
}

/// What Alertmanager sends to a webhook, version 4, of one group.
pub fn webhook(notices: &[Notice]) -> Value {
    let status = |is_firing| if is_firing { "firing" } else { "resolved" };
    let alerts = notices.iter().map(|notice| {
        let ends = if notice.is_firing { NEVER.to_owned() } else { notice.until.to_string() };
        json!({
            "status": status(notice.is_firing),
            "labels": notice.labels_json(),
            "annotations": notice.annotations(),
            "startsAt": notice.since.to_string(),
            "endsAt": ends,
            "generatorURL": "",
            "fingerprint": notice.fingerprint(),
        })
    });
    let alerts: Vec<Value> = alerts.collect();
    let of_all = |what: &str| {
        let first = alerts.first().and_then(|alert| alert[what].as_object()).cloned();
        let shared = first.unwrap_or_default().into_iter();
        let shared = shared.filter(|(name, value)| alerts.iter().all(|a| a[what][name] == *value));
        Value::Object(shared.collect())
    };
    json!({
        "receiver": RECEIVER,
        "status": status(notices.iter().any(|notice| notice.is_firing)),
        "alerts": alerts,
        "groupLabels": {},
        "commonLabels": of_all("labels"),
        "commonAnnotations": of_all("annotations"),
        "externalURL": "",
        "version": "4",
        "groupKey": "{}:{}",
        "truncatedAlerts": 0,
    })
}

/// Who is told of alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sink {
    /// The root of an Alertmanager, such as `http://127.0.0.1:9093`.
    Alertmanager(String),
    /// A URL that takes Alertmanager's webhooks.
    Webhook(String),
}

/// A text that names nobody who could be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?}: write alertmanager=http://HOST:PORT or webhook=http://HOST:PORT/PATH; https needs a \
     proxy on this machine"
)]
pub struct BadSink(String);

impl FromStr for Sink {
    type Err = BadSink;

    fn from_str(text: &str) -> Result<Self, BadSink> {
        let bad = || BadSink(text.to_owned());
        let (kind, url) = text.split_once('=').ok_or_else(bad)?;
        if !is_url(url) {
            return Err(bad());
        }
        match kind {
            "alertmanager" => Ok(Self::Alertmanager(url.trim_end_matches('/').to_owned())),
            "webhook" => Ok(Self::Webhook(url.to_owned())),
            _ => Err(bad()),
        }
    }
}

impl Sink {
    /// Tells `notices`.
    ///
    /// # Errors
    /// Why nobody took them.
    pub(crate) fn tell(&self, notices: &[Notice]) -> Result<(), String> {
        let (url, body) = match self {
            Self::Alertmanager(root) => (format!("{root}/api/v2/alerts"), alertmanager(notices)),
            Self::Webhook(url) => (url.clone(), webhook(notices)),
        };
        post(&url, &body.to_string(), PATIENCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objectives;

    fn notice(severity: Severity, is_firing: bool) -> Notice {
        Notice {
            slo: objectives(&["success rate>0.99"]).unwrap().remove(0),
            severity,
            is_firing,
            since: Timestamp::from_second(60).unwrap(),
            until: Timestamp::from_second(120).unwrap(),
            burn: is_firing.then_some(14.5),
        }
    }

    #[test]
    fn a_webhook_gets_what_alertmanager_would_send() {
        let both = [notice(Severity::Page, true), notice(Severity::Ticket, false)];
        let body = webhook(&both);
        assert_eq!((&body["status"], &body["version"]), (&json!("firing"), &json!("4")));
        assert_eq!(body["commonLabels"], json!({"slo": "success_rate_0.99"}));
        let ends = |at: usize| body["alerts"][at]["endsAt"].clone();
        assert_eq!([ends(0), ends(1)], [json!(NEVER), json!("1970-01-01T00:02:00Z")]);
        let print = |at: usize| body["alerts"][at]["fingerprint"].as_str().unwrap().to_owned();
        assert!(print(0) != print(1) && print(0).len() == 16);
        let later = Notice { burn: Some(99.0), ..both[0].clone() };
        assert_eq!(later.fingerprint(), both[0].fingerprint(), "the same alert");
        assert_eq!(webhook(&both[1..])["status"], json!("resolved"));
    }

    #[test]
    fn a_sink_without_an_address_is_refused() {
        let read = |text: &str| text.parse::<Sink>();
        let root = "http://127.0.0.1:9093";
        assert_eq!(read(&format!("alertmanager={root}/")), Ok(Sink::Alertmanager(root.into())));
        assert_eq!(read("webhook=http://a/b"), Ok(Sink::Webhook("http://a/b".into())));
        for bad in ["", "http://a", "webhook=https://a", "webhook=http://", "mail=http://a"] {
            assert!(read(bad).unwrap_err().to_string().contains("webhook=http"), "{bad}");
        }
    }
}
