//! A flame graph within a page: in a frame with a document of its own, so that several of them do
//! not share names, and in a sandbox, so that what came with a run's folder reaches nothing. Its
//! own script searches and zooms; without one it is a picture.

use super::told::Attachment;
use caxton_model::sanitise::sanitise;
use quick_xml::escape::escape;
use serde::Serialize;

const NAME_MAX: usize = 120;
/// Height of a picture that does not say how high it is, in pixels.
const HEIGHT: u32 = 600;
const HEIGHT_MAX: u32 = 1600;

/// How a picture's script is started: too early in a frame that is folded away, which has no width.
const START: &str = "onload=\"init(evt)\"";
/// The script keeps its state in the address, which a document without one cannot change; and it
/// fits the picture to the width, also to none.
const BEFORE: &str = "<!doctype html><meta charset=\"utf-8\"><style>html{background:#fff}\
    body{margin:0}body>svg{display:block;width:100%}</style>\
    <noscript><style>body>svg{height:auto}</style></noscript>\
    <script>history.replaceState=function(){};addEventListener(\"resize\",function(e){\
    if(innerWidth<=40)e.stopImmediatePropagation()})</script>";
/// Before text that is shown as it is.
const LISTING: &str = "<!doctype html><meta charset=\"utf-8\"><style>html{background:#fff;\
    color:#000}</style><pre>";
/// Starts it when there is a width.
const AFTER: &str = "<script>new ResizeObserver(function(e,o){if(innerWidth>40){o.disconnect();\
    init()}}).observe(document.documentElement)</script>";

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Flame {
    /// What it is.
    pub(super) kind: &'static str,
    pub(super) name: String,
    /// A whole document; empty where there is none.
    pub(super) document: String,
    pub(super) height: u32,
    pub(super) why: String,
}

impl Flame {
    pub(super) fn of(attachment: &Attachment) -> Self {
        let name = sanitise(&attachment.name, NAME_MAX);
        let told = attachment.text.as_deref().map_err(String::as_str);
        if let (true, Ok(text)) = (attachment.name.ends_with(".txt"), told) {
            let document = format!("{LISTING}{}</pre>", escape(text));
            let (kind, why) = ("Hot instructions", String::new());
            return Self { kind, name, document, height: HEIGHT, why };
        }
        let kind = "Flame graph";
        let (head, body) = match told.and_then(|svg| split(svg).ok_or("it is no SVG")) {
            Ok(parts) => parts,
            Err(why) => {
                let why = sanitise(why, NAME_MAX);
                return Self { kind, name, document: String::new(), height: 0, why };
            }
        };
        let height = number(&head, "height").unwrap_or(HEIGHT).min(HEIGHT_MAX) + 8;
        let (head, after) = match head.contains(START) {
            true => (head.replace(START, ""), AFTER),
            false => (head, ""),
        };
        let document = format!("{BEFORE}{head}{body}{after}");
        Self { kind, name, document, height, why: String::new() }
    }
}

/// The first tag of an SVG, without what only XML needs, and the rest.
fn split(svg: &str) -> Option<(String, &str)> {
    let (_, rest) = svg.split_once("<svg")?;
    let (attributes, body) = rest.split_once('>')?;
    let mut head = "<svg".to_owned();
    let mut rest = attributes;
    while let Some((before, after)) = rest.split_once("xmlns") {
        head.push_str(before);
        // The value is between the next two quotes.
        rest = after.splitn(3, '"').nth(2)?;
    }
    Some((head + rest + ">", body))
}

fn number(tag: &str, name: &str) -> Option<u32> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    let (number, _) = rest.split_once('"')?;
    Some(number.parse::<f64>().ok()? as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_keeps_its_size_and_loses_its_addresses() {
        let svg = "<?xml version=\"1.0\"?><svg width=\"9\" height=\"30.5\" onload=\"init(evt)\" \
                   xmlns=\"http://a\" xmlns:fg=\"http://b\"><g fg:x=\"1\"/></svg>";
        let flame = Flame::of(&Attachment { name: "a.svg".into(), text: Ok(svg.into()) });
        assert_eq!(flame.height, 38);
        assert!(!flame.document.contains("http:"), "{}", flame.document);
        let picture = "<svg width=\"9\" height=\"30.5\"   ><g fg:x=\"1\"/></svg>";
        assert_eq!(flame.document, format!("{BEFORE}{picture}{AFTER}"));
    }

    #[test]
    fn a_listing_is_text_and_nothing_else() {
        let text = "<Value as Read>::parse & </pre><script>alert(1)</script>";
        let flame = Flame::of(&Attachment { name: "json/hot.txt".into(), text: Ok(text.into()) });
        assert_eq!((flame.kind, flame.document.matches('>').count()), ("Hot instructions", 6));
        assert!(flame.document.contains("&lt;Value as Read&gt;::parse &amp; &lt;/pre&gt;"));
        assert!(!flame.document.contains("<script"), "{}", flame.document);
    }

    #[test]
    fn what_is_no_picture_says_so() {
        for text in [Ok("x <sv".to_owned()), Ok("<svg xmlns".to_owned()), Err("gone".to_owned())] {
            let flame = Flame::of(&Attachment { name: "a\u{202e}".into(), text });
            assert!(flame.document.is_empty() && !flame.why.is_empty());
            assert_eq!(flame.name, r"a\u{202e}");
        }
    }
}
