//! libyaml's emitter behind a safe face, set as Go's yaml.v2 sets it; the only unsafe code of writing.

mod escape;

use std::ffi::{CStr, CString, c_char, c_void};
use std::mem::MaybeUninit;
use std::ptr::null;

#[expect(
    clippy::unsafe_removed_from_name,
    reason = "short, and every call stands in an unsafe block"
)]
use unsafe_libyaml as sys;

use super::order::in_order;
use super::resolve::needs_quotes;
use super::{Mapping, Node, Value};

/// Writes a value in the canonical form of openshift/release: the bytes that its own formatter (Go, yaml.v2) writes.
///
/// Keys come in yaml.v2's natural order. Numbers keep their text, tags such as `!include` are kept, places and comments
/// are not. The recursion is as deep as the value (which [`parse()`](super::parse()) bounds).
pub fn emit(node: &Node) -> String {
    write_out(|emitter| emitter.node(node, None))
}

/// Writes what [`emit()`] writes of a document in which a list of this one item stands below keys, such as the job of a job
/// file: lines fold by where they stand.
pub fn emit_below(keys: &[&str], item: &Node) -> String {
    write_out(|emitter| emitter.below(keys, item))
}

fn write_out(what: impl Fn(&mut Emitter)) -> String {
    let written = write_once(&what, false);
    if escape::needed(&written) {
        escape::reveal(&write_once(&what, true))
    } else {
        written
    }
}

/// Writes a document; `hide` puts placeholders for characters that must be escaped.
fn write_once(what: &impl Fn(&mut Emitter), hide: bool) -> String {
    let mut emitter = Emitter::new(hide);
    what(&mut emitter);
    let mut written = emitter.finish();
    // libyaml ends a last text with line breaks to keep so; yaml.v2 doesn't, and no content stands at the margin.
    if written.ends_with("\n...\n") {
        written.truncate(written.len() - "...\n".len());
    }
    written
}

/// An emitter in the middle of its one document.
struct Emitter {
    /// Boxed and used through the pointer only, as the events are queued inside.
    emitter: *mut sys::yaml_emitter_t,
    /// Where the write handler puts the text; owned here, shared with the emitter by pointer.
    output: *mut Vec<u8>,
    hide: bool,
}

/// SAFETY: for libyaml only, with the pointer to a `Vec<u8>` that was given to it, while nobody else uses the vector.
unsafe fn write(output: *mut c_void, buffer: *mut u8, size: u64) -> i32 {
    // SAFETY: libyaml gives `size` initialized bytes at `buffer`.
    unsafe { (*output.cast::<Vec<u8>>()).extend_from_slice(std::slice::from_raw_parts(buffer, size as usize)) };
    1
}

impl Emitter {
    fn new(hide: bool) -> Emitter {
        let emitter = Box::into_raw(Box::new(MaybeUninit::<sys::yaml_emitter_t>::zeroed())).cast();
        let output = Box::into_raw(Box::new(Vec::with_capacity(4096)));
        // SAFETY: `emitter` points to memory of the right size and alignment that only this struct owns;
        // yaml_emitter_initialize writes all of it. `output` outlives the emitter (see drop).
        unsafe {
            let _ = sys::yaml_emitter_initialize(emitter);
            sys::yaml_emitter_set_output(emitter, write, output.cast());
            sys::yaml_emitter_set_unicode(emitter, true);
            sys::yaml_emitter_set_width(emitter, 80);
            sys::yaml_emitter_set_indent(emitter, 2);
        }
        let mut this = Emitter { emitter, output, hide };
        // SAFETY: the initializers fill the event that they are given.
        this.event(|event| unsafe { sys::yaml_stream_start_event_initialize(event, sys::YAML_UTF8_ENCODING).ok });
        // SAFETY: no directives are given: null pointers say so.
        this.event(|event| unsafe {
            sys::yaml_document_start_event_initialize(
                event,
                std::ptr::null_mut(),
                std::ptr::null_mut(),
                std::ptr::null_mut(),
                true,
            )
            .ok
        });
        this
    }

    fn finish(mut self) -> String {
        // SAFETY: the initializers fill the event that they are given.
        self.event(|event| unsafe { sys::yaml_document_end_event_initialize(event, true).ok });
        // SAFETY: as above.
        self.event(|event| unsafe { sys::yaml_stream_end_event_initialize(event).ok });
        // SAFETY: the end of the stream has flushed the emitter, so nothing else uses the vector.
        let output = unsafe { std::mem::take(&mut *self.output) };
        String::from_utf8(output).expect("libyaml writes the UTF-8 that it was given")
    }

    /// Makes an event and hands it to the emitter.
    fn event(&mut self, initialize: impl FnOnce(*mut sys::yaml_event_t) -> bool) {
        let mut event = MaybeUninit::<sys::yaml_event_t>::uninit();
        let made = initialize(event.as_mut_ptr());
        assert!(made, "libyaml takes every event whose texts are UTF-8");
        // SAFETY: the event was initialized; the emitter takes it over, and frees it whether it succeeds or not.
        let written = unsafe { sys::yaml_emitter_emit(self.emitter, event.as_mut_ptr()).ok };
        // Only events out of order or an empty tag are refused, and neither is made here.
        assert!(written, "libyaml's emitter refused an event: {}", self.problem());
    }

    fn problem(&self) -> &'static str {
        // SAFETY: the emitter is initialized; its message is null or a static C string.
        unsafe {
            let problem: *const c_char = (**self.emitter).problem.cast();
            if problem.is_null() {
                ""
            } else {
                CStr::from_ptr(problem).to_str().unwrap_or_default()
            }
        }
    }

    fn node(&mut self, node: &Node, tag: Option<&CStr>) {
        match &node.value {
            Value::Null => self.scalar("null", sys::YAML_PLAIN_SCALAR_STYLE, tag),
            Value::Bool(true) => self.scalar("true", sys::YAML_PLAIN_SCALAR_STYLE, tag),
            Value::Bool(false) => self.scalar("false", sys::YAML_PLAIN_SCALAR_STYLE, tag),
            Value::Number(text) => self.scalar(text, sys::YAML_PLAIN_SCALAR_STYLE, tag),
            Value::String(text) => self.scalar(text, style(text, tag.is_some()), tag),
            Value::Seq(items) => self.sequence(items, tag),
            Value::Map(mapping) => self.mapping(mapping, tag),
            Value::Tagged(tagged) => {
                // C strings end at a NUL, and an empty tag is none.
                let text: Vec<u8> = tagged.tag.bytes().filter(|&byte| byte != 0).collect();
                let own = CString::new(text).ok().filter(|tag| !tag.is_empty());
                self.node(&tagged.node, own.as_deref().or(tag));
            }
        }
    }

    fn scalar(&mut self, text: &str, style: sys::yaml_scalar_style_t, tag: Option<&CStr>) {
        let hidden = if self.hide { escape::hide(text) } else { None };
        let (text, style) = match &hidden {
            Some(hidden) => (hidden.as_str(), sys::YAML_DOUBLE_QUOTED_SCALAR_STYLE),
            None => (text, style),
        };
        let length = i32::try_from(text.len()).expect("a text is smaller than 2 GiB");
        let implicit = tag.is_none();
        // SAFETY: the text is valid for its length and the tag is null or NUL-terminated; libyaml copies both.
        self.event(|event| unsafe {
            sys::yaml_scalar_event_initialize(
                event,
                null(),
                pointer(tag),
                text.as_ptr(),
                length,
                implicit,
                implicit,
                style,
            )
            .ok
        });
    }

    fn sequence(&mut self, items: &[Node], tag: Option<&CStr>) {
        self.start_sequence(tag);
        for item in items {
            self.node(item, None);
        }
        self.end_sequence();
    }

    fn mapping(&mut self, mapping: &Mapping, tag: Option<&CStr>) {
        self.start_mapping(tag);
        for (key, node) in in_order(&mapping.entries) {
            self.key(&key.text);
            self.node(node, None);
        }
        self.end_mapping();
    }

    fn below(&mut self, keys: &[&str], item: &Node) {
        for key in keys {
            self.start_mapping(None);
            self.key(key);
        }
        self.start_sequence(None);
        self.node(item, None);
        self.end_sequence();
        keys.iter().for_each(|_| self.end_mapping());
    }

    fn key(&mut self, text: &str) {
        // Unlike yaml.v2, which would write a key that reads as a merge.
        let style = if text == "<<" {
            sys::YAML_DOUBLE_QUOTED_SCALAR_STYLE
        } else {
            style(text, false)
        };
        self.scalar(text, style, None);
    }

    fn start_sequence(&mut self, tag: Option<&CStr>) {
        // SAFETY: the tag is null or NUL-terminated; libyaml copies it.
        self.event(|event| unsafe {
            sys::yaml_sequence_start_event_initialize(
                event,
                null(),
                pointer(tag),
                tag.is_none(),
                sys::YAML_BLOCK_SEQUENCE_STYLE,
            )
            .ok
        });
    }

    fn end_sequence(&mut self) {
        // SAFETY: the initializer fills the event that it is given.
        self.event(|event| unsafe { sys::yaml_sequence_end_event_initialize(event).ok });
    }

    fn start_mapping(&mut self, tag: Option<&CStr>) {
        // SAFETY: the tag is null or NUL-terminated; libyaml copies it.
        self.event(|event| unsafe {
            sys::yaml_mapping_start_event_initialize(
                event,
                null(),
                pointer(tag),
                tag.is_none(),
                sys::YAML_BLOCK_MAPPING_STYLE,
            )
            .ok
        });
    }

    fn end_mapping(&mut self) {
        // SAFETY: the initializer fills the event that it is given.
        self.event(|event| unsafe { sys::yaml_mapping_end_event_initialize(event).ok });
    }
}

impl Drop for Emitter {
    fn drop(&mut self) {
        // SAFETY: the emitter was initialized in `new`; both came from boxes of these very types. The emitter goes first,
        // as it holds the pointer to the output.
        unsafe {
            sys::yaml_emitter_delete(self.emitter);
            drop(Box::from_raw(self.emitter.cast::<MaybeUninit<sys::yaml_emitter_t>>()));
            drop(Box::from_raw(self.output));
        }
    }
}

/// The style that yaml.v2 asks for; where it is not possible, the emitter falls back to quotes by itself.
fn style(text: &str, tagged: bool) -> sys::yaml_scalar_style_t {
    if text.contains('\n') {
        sys::YAML_LITERAL_SCALAR_STYLE
    } else if !tagged && needs_quotes(text) {
        sys::YAML_DOUBLE_QUOTED_SCALAR_STYLE
    } else {
        sys::YAML_PLAIN_SCALAR_STYLE
    }
}

fn pointer(tag: Option<&CStr>) -> *const u8 {
    tag.map_or(null(), |tag| tag.as_ptr().cast())
}

#[cfg(test)]
mod tests;
