//! libyaml's event parser behind a safe face; the only unsafe code of reading.

use std::ffi::{CStr, c_char};
use std::marker::PhantomData;
use std::mem::MaybeUninit;

#[expect(
    clippy::unsafe_removed_from_name,
    reason = "short, and every call stands in an unsafe block"
)]
use unsafe_libyaml as sys;

use super::Pos;

/// One event. Its texts live until the next event is asked for.
#[derive(Debug)]
pub(super) enum Event<'e> {
    StreamStart,
    StreamEnd,
    DocumentStart,
    DocumentEnd,
    Alias {
        anchor: &'e [u8],
    },
    Scalar(Scalar<'e>),
    SequenceStart {
        anchor: Option<&'e [u8]>,
        tag: Option<&'e [u8]>,
    },
    SequenceEnd,
    MappingStart {
        anchor: Option<&'e [u8]>,
        tag: Option<&'e [u8]>,
    },
    MappingEnd,
}

/// A scalar as it was written.
#[derive(Debug)]
pub(super) struct Scalar<'e> {
    pub anchor: Option<&'e [u8]>,
    pub tag: Option<&'e [u8]>,
    pub text: &'e [u8],
    /// Neither quoted nor a block scalar.
    pub plain: bool,
}

/// What libyaml has against a text.
#[derive(Debug)]
pub(super) struct Fault {
    pub problem: &'static str,
    /// Where the problem is, unless `offset` says it.
    pub pos: Pos,
    pub context: &'static str,
    /// Where that began which could not be ended.
    pub context_pos: Pos,
    /// Byte offset of the problem, where libyaml stopped at a character rather than at a token.
    pub offset: Option<usize>,
}

/// The events of one text.
pub(super) struct Events<'t> {
    /// Boxed and used through the pointer only: libyaml keeps pointers into the struct itself.
    parser: *mut sys::yaml_parser_t,
    event: MaybeUninit<sys::yaml_event_t>,
    has_event: bool,
    /// Lines in front of the text, when it is a part of a file.
    lines_before: u32,
    text: PhantomData<&'t [u8]>,
}

impl<'t> Events<'t> {
    /// Starts on a text that is UTF-8 and has no byte order mark.
    pub fn new(text: &'t str, lines_before: u32) -> Events<'t> {
        let parser = Box::into_raw(Box::new(MaybeUninit::<sys::yaml_parser_t>::zeroed())).cast();
        // SAFETY: `parser` points to memory of the right size and alignment that only this struct owns;
        // yaml_parser_initialize writes all of it (and aborts rather than fails without memory). The text outlives
        // the parser by the lifetime 't, and its pointer is never null, as libyaml demands.
        unsafe {
            let _ = sys::yaml_parser_initialize(parser);
            sys::yaml_parser_set_encoding(parser, sys::YAML_UTF8_ENCODING);
            sys::yaml_parser_set_input_string(parser, text.as_ptr(), text.len() as u64);
        }
        Events {
            parser,
            event: MaybeUninit::uninit(),
            has_event: false,
            lines_before,
            text: PhantomData,
        }
    }

    /// The next event and where it starts. Not to be called again after a fault or the end of the stream.
    pub fn next(&mut self) -> Result<(Event<'_>, Pos), Fault> {
        self.drop_event();
        // SAFETY: the parser is initialized; yaml_parser_parse fills the event when it succeeds, and only then is the
        // event marked as there (so it is freed exactly once).
        let event = unsafe {
            if sys::yaml_parser_parse(self.parser, self.event.as_mut_ptr()).fail {
                return Err(self.fault());
            }
            self.has_event = true;
            self.event.assume_init_ref()
        };
        // SAFETY: the event is initialized and its union is read as its type says; it isn't freed before the next
        // call of `next` or the drop, which both need `self` mutably while the returned event borrows it.
        Ok((unsafe { convert(event) }, pos(event.start_mark, self.lines_before)))
    }

    fn drop_event(&mut self) {
        if self.has_event {
            self.has_event = false;
            // SAFETY: `has_event` says that the event is initialized and was not freed.
            unsafe { sys::yaml_event_delete(self.event.as_mut_ptr()) };
        }
    }

    fn fault(&self) -> Fault {
        // SAFETY: the parser is initialized; its messages are null or static C strings.
        unsafe {
            let parser = &**self.parser;
            Fault {
                problem: message(parser.problem.cast()),
                pos: pos(parser.problem_mark, self.lines_before),
                context: message(parser.context.cast()),
                context_pos: pos(parser.context_mark, self.lines_before),
                offset: (parser.error == sys::YAML_READER_ERROR).then_some(parser.problem_offset as usize),
            }
        }
    }
}

impl Drop for Events<'_> {
    fn drop(&mut self) {
        self.drop_event();
        // SAFETY: the parser was initialized in `new`, and came from a Box of this very type.
        unsafe {
            sys::yaml_parser_delete(self.parser);
            drop(Box::from_raw(self.parser.cast::<MaybeUninit<sys::yaml_parser_t>>()));
        }
    }
}

/// SAFETY: `event` must have come out of yaml_parser_parse and not be freed while the result lives.
unsafe fn convert(event: &sys::yaml_event_t) -> Event<'_> {
    // SAFETY: each arm reads the member of the union that the type stands for; its pointers are null or texts that the
    // event owns (NUL-terminated names; the scalar's with its length).
    unsafe {
        match event.type_ {
            sys::YAML_STREAM_START_EVENT => Event::StreamStart,
            sys::YAML_DOCUMENT_START_EVENT => Event::DocumentStart,
            sys::YAML_DOCUMENT_END_EVENT => Event::DocumentEnd,
            sys::YAML_ALIAS_EVENT => Event::Alias {
                anchor: name(event.data.alias.anchor).unwrap_or_default(),
            },
            sys::YAML_SCALAR_EVENT => {
                let scalar = &event.data.scalar;
                Event::Scalar(Scalar {
                    anchor: name(scalar.anchor),
                    tag: name(scalar.tag),
                    text: std::slice::from_raw_parts(scalar.value, scalar.length as usize),
                    plain: scalar.style == sys::YAML_PLAIN_SCALAR_STYLE,
                })
            }
            sys::YAML_SEQUENCE_START_EVENT => {
                let start = &event.data.sequence_start;
                Event::SequenceStart {
                    anchor: name(start.anchor),
                    tag: name(start.tag),
                }
            }
            sys::YAML_SEQUENCE_END_EVENT => Event::SequenceEnd,
            sys::YAML_MAPPING_START_EVENT => {
                let start = &event.data.mapping_start;
                Event::MappingStart {
                    anchor: name(start.anchor),
                    tag: name(start.tag),
                }
            }
            sys::YAML_MAPPING_END_EVENT => Event::MappingEnd,
            _ => Event::StreamEnd,
        }
    }
}

/// SAFETY: `text` must be null or a NUL-terminated string that lives as long as the result is used.
unsafe fn name<'e>(text: *const u8) -> Option<&'e [u8]> {
    // SAFETY: as the caller promises.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text.cast::<c_char>()) }.to_bytes())
}

/// SAFETY: `text` must be null or a static NUL-terminated string.
unsafe fn message(text: *const c_char) -> &'static str {
    if text.is_null() {
        return "";
    }
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(text) }.to_str().unwrap_or_default()
}

fn pos(mark: sys::yaml_mark_t, lines_before: u32) -> Pos {
    let count = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    Pos {
        line: count(mark.line).saturating_add(1).saturating_add(lines_before),
        column: count(mark.column).saturating_add(1),
    }
}
