//! Whether two versions answer the same message alike. That is asked before anything is timed: a
//! version that reads less of its message is faster, and no better.

use serde::{Deserialize, Serialize};

/// What a version answers to its example message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// SHA-256 of the message, in hex.
    pub message_sha256: String,
    pub message_bytes: u64,
    /// SHA-256 of the reply to it, in hex.
    pub reply_sha256: String,
    pub reply_bytes: u64,
    /// Messages that it sends on meanwhile.
    pub sends: u64,
}

/// How the answers of base and candidate compare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answers {
    /// Both answer the same to the same message.
    Same,
    /// They answer differently, in words: nothing of the case was measured.
    Different(String),
    /// They answer differently, and the user says that this is right.
    Blessed(String),
    /// Nobody could tell, and why.
    Unchecked(String),
}

/// Of comparisons that were kept before replies were compared.
impl Default for Answers {
    fn default() -> Self {
        Self::Unchecked("it was compared by a version that compares no replies".to_owned())
    }
}

impl Answers {
    /// How the replies of base and candidate compare; `is_blessed`: a difference is right.
    pub fn of(replies: [Option<&Reply>; 2], is_blessed: bool) -> Self {
        let [Some(base), Some(candidate)] = replies else {
            let who = match replies {
                [None, None] => "neither version's executable tells",
                [None, _] => "the base's executable does not tell",
                _ => "the candidate's executable does not tell",
            };
            return Self::Unchecked(format!("{who} its reply: it is of an earlier version"));
        };
        match difference(base, candidate) {
            None => Self::Same,
            Some(why) if is_blessed => Self::Blessed(why),
            Some(why) => Self::Different(why),
        }
    }

    /// True where nothing was measured because of it.
    pub const fn are_different(&self) -> bool {
        matches!(self, Self::Different(_))
    }

    /// The verdict on them, as it is printed.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Same => "same answers",
            Self::Different(_) => "DIFFERENT ANSWERS",
            Self::Blessed(_) => "different answers, blessed",
            Self::Unchecked(_) => "answers unchecked",
        }
    }

    /// The verdict, and what it rests on.
    pub fn told(&self) -> String {
        match self {
            Self::Same => self.name().to_owned(),
            Self::Different(why) | Self::Blessed(why) | Self::Unchecked(why) => {
                format!("{}: {why}", self.name())
            }
        }
    }
}

/// What is not the same, in words.
fn difference(base: &Reply, candidate: &Reply) -> Option<String> {
    let both = [base, candidate];
    let messages = both.map(|reply| (reply.message_bytes, reply.message_sha256.as_str()));
    let replies = both.map(|reply| (reply.reply_bytes, reply.reply_sha256.as_str()));
    if messages[0] != messages[1] {
        Some(format!("their example messages are {}", words(messages)))
    } else if replies[0] != replies[1] {
        Some(format!("their replies to the same message are {}", words(replies)))
    } else if base.sends != candidate.sends {
        let (base, candidate) = (base.sends, candidate.sends);
        Some(format!("the base sends {base} messages on, the candidate {candidate}"))
    } else {
        None
    }
}

fn words([base, candidate]: [(u64, &str); 2]) -> String {
    let one = |(bytes, sha256): (u64, &str)| {
        format!("{bytes} bytes, SHA-256 {}", sha256.chars().take(16).collect::<String>())
    };
    format!("{} (base) and {} (candidate)", one(base), one(candidate))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(text: &str) -> Reply {
        let sha256 = |what: &str| format!("{what:0<64}");
        Reply {
            message_sha256: sha256("abc"),
            message_bytes: 64,
            reply_sha256: sha256(text),
            reply_bytes: 10,
            sends: 0,
        }
    }

    #[test]
    fn every_part_of_an_answer_counts() {
        let base = reply("1");
        let same = base.clone();
        assert_eq!(Answers::of([Some(&base), Some(&same)], false), Answers::Same);
        type Change = (fn(&mut Reply), &'static str);
        let changes: [Change; 5] = [
            (|r| r.message_sha256.clear(), "their example messages are 64 bytes"),
            (|r| r.message_bytes += 1, "their example messages are 64 bytes"),
            (|r| r.reply_sha256 = "2".repeat(64), "their replies to the same message are 10 bytes"),
            (|r| r.reply_bytes += 1, "their replies to the same message are 10 bytes"),
            (|r| r.sends += 1, "the base sends 0 messages on, the candidate 1"),
        ];
        for (change, expected) in changes {
            let mut candidate = base.clone();
            change(&mut candidate);
            let answers = Answers::of([Some(&base), Some(&candidate)], false);
            let Answers::Different(why) = &answers else { panic!("{expected}: {answers:?}") };
            assert!(why.starts_with(expected), "{why}");
            let blessed = Answers::of([Some(&base), Some(&candidate)], true);
            assert_eq!(blessed, Answers::Blessed(why.clone()));
        }
    }

    #[test]
    fn a_version_that_does_not_tell_is_unchecked_and_named() {
        let told = reply("1");
        for (replies, who) in [
            ([None, Some(&told)], "the base's executable"),
            ([Some(&told), None], "the candidate's executable"),
            ([None, None], "neither version's executable"),
        ] {
            let answers = Answers::of(replies, true);
            assert!(matches!(&answers, Answers::Unchecked(why) if why.starts_with(who)), "{who}");
        }
    }
}
