//! `json`: parses an order of about 3 KiB, prices its lines, toggles what it does not know the
//! shape of, and writes the document back.
//!
//! Known fields are typed structs, `extra` is a free [`Value`]. Struct fields and keys stand in
//! alphabetical order, so that the reply does not depend on how a map of values is ordered.

use agent_abi::{Agent, AgentError, Host, Reply, export_agent};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const LINES: u32 = 22;
const MESSAGE_BYTES_MAX: usize = 1 << 20;
const WORDS: [&str; 8] = ["amber", "basalt", "cedar", "dune", "ember", "fjord", "grove", "haze"];

#[derive(Serialize, Deserialize)]
struct Order {
    customer: Customer,
    extra: Value,
    id: u64,
    lines: Vec<Line>,
    note: Option<String>,
    status: Status,
    total_cents: u64,
    weight_kg: f64,
}

#[derive(Serialize, Deserialize)]
struct Customer {
    city: String,
    loyal: bool,
    name: String,
}

#[derive(Serialize, Deserialize)]
struct Line {
    price_cents: u64,
    quantity: u64,
    sku: String,
    tags: Vec<String>,
    total_cents: u64,
    weight_kg: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Draft,
    Priced,
}

struct Json;

impl Agent for Json {
    fn new(_: Host) -> Self {
        Self
    }

    fn handle(&mut self, inbox: &mut [u8], outbox: &mut Vec<u8>) -> Result<Reply, AgentError> {
        if inbox.len() > MESSAGE_BYTES_MAX {
            return Err(AgentError::new("the document is longer than 1 MiB"));
        }
        let mut order: Order =
            serde_json::from_slice(inbox).map_err(|e| AgentError::new(e.to_string()))?;
        price(&mut order).ok_or_else(|| AgentError::new("the total does not fit 64 bits"))?;
        revise(&mut order.extra);
        serde_json::to_writer(outbox, &order).map_err(|e| AgentError::new(e.to_string()))?;
        Ok(Reply::Outbox)
    }

    fn example(seed: u64) -> Vec<u8> {
        let mut rng = fastrand::Rng::with_seed(seed);
        let order = Order {
            customer: Customer {
                city: words(&mut rng, 1),
                loyal: rng.bool(),
                name: words(&mut rng, 2),
            },
            extra: extra(&mut rng),
            id: rng.u64(..1 << 53),
            lines: (0..LINES).map(|_| line(&mut rng)).collect(),
            note: Some(format!("say \"{}\"\n\tat the Café\\door", words(&mut rng, 12))),
            status: Status::Draft,
            total_cents: 0,
            weight_kg: 0.0,
        };
        serde_json::to_vec(&order).unwrap_or_default()
    }
}

fn price(order: &mut Order) -> Option<()> {
    order.total_cents = 0;
    order.weight_kg = 0.0;
    for line in &mut order.lines {
        line.total_cents = line.price_cents.checked_mul(line.quantity)?;
        line.tags.reverse();
        order.total_cents = order.total_cents.checked_add(line.total_cents)?;
        order.weight_kg += line.weight_kg;
    }
    order.status = Status::Priced;
    Some(())
}

/// Toggles each flag and counts each non-negative integer up by one, at every level.
fn revise(value: &mut Value) {
    match value {
        Value::Bool(flag) => *flag = !*flag,
        Value::Number(number) => {
            if let Some(next) = number.as_u64().and_then(|n| n.checked_add(1)) {
                *number = next.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(revise),
        Value::Object(fields) => fields.values_mut().for_each(revise),
        Value::Null | Value::String(_) => {}
    }
}

fn line(rng: &mut fastrand::Rng) -> Line {
    Line {
        price_cents: rng.u64(1..100_000),
        quantity: rng.u64(1..50),
        sku: format!("{}-{:05}", words(rng, 1), rng.u32(..100_000)),
        tags: (0..rng.u32(1..4)).map(|_| words(rng, 1)).collect(),
        total_cents: 0,
        weight_kg: f64::from(rng.u32(..100_000)) / 1000.0,
    }
}

fn extra(rng: &mut fastrand::Rng) -> Value {
    let readings: Vec<u32> = (0..24).map(|_| rng.u32(..1000)).collect();
    json!({
        "flags": { "express": rng.bool(), "gift": rng.bool() },
        "nothing": null,
        "readings": readings,
        "revision": rng.u32(1..9),
        "route": [words(rng, 1), { "hops": [[rng.u32(..9), rng.bool()], []] }, words(rng, 2)],
        "temperature": f64::from(rng.i32(-400..400)) / 10.0,
    })
}

fn words(rng: &mut fastrand::Rng, count: u32) -> String {
    let words: Vec<_> = (0..count).map(|_| WORDS[rng.u32(..8) as usize]).collect();
    words.join(" ")
}

export_agent!(Json);
agent_abi::heap_sampled!();

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(message: &[u8]) -> Result<Value, AgentError> {
        let mut outbox = Vec::new();
        Json::new(Host::detached()).handle(&mut message.to_vec(), &mut outbox)?;
        Ok(serde_json::from_slice(&outbox).unwrap())
    }

    #[test]
    fn totals_and_flags_change_and_the_rest_stays() {
        let message = Json::example(1);
        assert!((2048..4096).contains(&message.len()), "{} bytes", message.len());
        let sent: Value = serde_json::from_slice(&message).unwrap();
        let got = reply(&message).unwrap();
        let total: u64 = (sent["lines"].as_array().unwrap().iter())
            .map(|l| l["price_cents"].as_u64().unwrap() * l["quantity"].as_u64().unwrap())
            .sum();
        assert_eq!(got["total_cents"], total);
        assert_eq!(got["status"], "priced");
        assert_eq!(got["note"], sent["note"]);
        assert_eq!(
            got["extra"]["revision"].as_u64(),
            sent["extra"]["revision"].as_u64().map(|n| n + 1)
        );
        assert_eq!(
            got["extra"]["flags"]["gift"].as_bool(),
            sent["extra"]["flags"]["gift"].as_bool().map(|b| !b)
        );
    }

    #[test]
    fn malformed_documents_are_refused() {
        let message = Json::example(2);
        assert!(reply(b"").is_err());
        assert!(reply(&message[..message.len() - 1]).is_err());
        assert!(reply(br#"{"id": -1}"#).is_err());
        assert!(reply(&vec![b' '; MESSAGE_BYTES_MAX + 1]).is_err());
        let mut sent: Value = serde_json::from_slice(&message).unwrap();
        sent["lines"][0]["price_cents"] = u64::MAX.into();
        sent["lines"][0]["quantity"] = 2.into();
        assert!(reply(sent.to_string().as_bytes()).is_err());
    }
}
