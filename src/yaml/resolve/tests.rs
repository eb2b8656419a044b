use super::*;

#[test]
fn plain_scalars_resolve_as_in_yaml_v2() {
    let table: &[(ScalarType, &[&str])] = &[
        (ScalarType::Null, &["", "~", "null", "Null", "NULL"]),
        (
            ScalarType::Bool(true),
            &["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"],
        ),
        (
            ScalarType::Bool(false),
            &[
                "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF",
            ],
        ),
        (
            ScalarType::Integer,
            &[
                "0", "-0", "+7", "07", "-07", "0o7", "0O7", "0x1f", "-0X1F", "0b11", "-0b11", "1_000", "0x_f", "1_",
                "+_1",
            ],
        ),
        (ScalarType::Integer, &["18446744073709551615", "-9223372036854775808"]),
        (
            ScalarType::Float,
            &[
                "4.16", "4.", "-.5", ".5", "1e3", "1E-3", "+1.5e+3", "08", "1_0.5", ".5_0", "1e-400",
            ],
        ),
        (ScalarType::Float, &["18446744073709551616", "-9223372036854775809"]),
        (ScalarType::Float, &[".inf", "+.Inf", "-.INF", ".nan", ".NaN", ".NAN"]),
        (
            ScalarType::Timestamp,
            &["2001-01-01", "2001-1-1", "2024-02-29", "2001-12-14t21:59:43.10-05:00"],
        ),
        (
            ScalarType::Timestamp,
            &["2001-12-14T21:59:43Z", "2001-12-14 21:59:43.10", "2001-12-14   1:2:3"],
        ),
        (
            ScalarType::String,
            &[
                "yEs", "nULL", "tRUE", "nan", "inf", "a", "_1", "-", "+", ".", "..", "-.", "0x", "0b2", "0o8",
            ],
        ),
        (
            ScalarType::String,
            &[
                "1e400",
                "0x1ffffffffffffffff",
                "1.2.3",
                "4.16-x",
                "1e",
                "e1",
                "--1",
                "+-1",
                "0x-1",
                "<<",
                "=",
            ],
        ),
        (
            ScalarType::String,
            &[
                "2001-13-01",
                "2001-02-29",
                "1900-02-29",
                "20010-01-01",
                "2001-01-01T",
                "2001-01-01 24:00:00",
            ],
        ),
        (
            ScalarType::String,
            &[
                "2001-12-14T21:59:43",
                "2001-12-14 21:59",
                "2001-01-",
                "201-01-01",
                "2001-12-14T21:59:43+1",
            ],
        ),
        (ScalarType::String, &["1:30", ".5__0", "._5", ".5_", "é", "１"]),
    ];
    for (kind, texts) in table {
        for text in *texts {
            assert_eq!(resolve(text), *kind, "{text:?}");
        }
    }
}

#[test]
fn integers_have_their_value() {
    let table = [
        ("0", 0),
        ("-07", -7),
        ("0o17", 15),
        ("010", 8),
        ("0x1F", 31),
        ("0b101", 5),
        ("1_000", 1000),
    ];
    for (text, value) in table {
        assert_eq!(integer(text), Some(value), "{text}");
    }
    assert_eq!(integer("08"), None);
    assert_eq!(integer("4.16"), None);
}

#[test]
fn numbers_in_base_60_are_quoted_though_not_read() {
    for text in ["1:30", "-1:30", "+190:20:30", "1:2:3.5", "1_0:30", "1:30."] {
        assert!(needs_quotes(text), "{text}");
    }
    for text in [
        "1:60",
        "1:",
        ":30",
        "a:30",
        "1:2:",
        "1.5:30",
        "1:030",
        "1:2.5:3",
        "_1:30",
        "http://x:80",
    ] {
        assert!(!needs_quotes(text), "{text}");
    }
}
