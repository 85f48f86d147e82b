#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::{Decoder, Encoder, GobError, MESSAGE, Schema, Type, Value};

/// Streams as `encoding/gob` of Go 1.26 writes them.
const POINT: &str = "1e7f03010105506f696e7401ff80000102010158010400010159010400000007ff80012c014200";
const TWICE: &str = "1e7f03010105506f696e7401ff80000102010158010400010159010400000007ff80012c01420005ff80020100";
const STRINGS: &str = "0cff81020102ff8200010c000007ff820002016100";
const MAP: &str = "0eff83040102ff8400010c0104000007ff840001016102";
const ALL: &str = "74ff8503010103416c6c01ff8600010f010142010200010149010400010155010600010146010800010153010c0001\
    03526177010a0001014c01ff820001015001ff880001014d01ff8a0001014e01ff8c0001014501ff8e0001015401ff900001015a0102000101\
    4101ff920001014701100000000cff81020102ff8200010c00001bff870201010c5b5d6d61696e2e506f696e7401ff880001ff8000001e7f03\
    010105506f696e7401ff80000102010158010400010159010400000021ff89040101116d61705b737472696e675d737472696e6701ff8a0001\
    0c010c000026ff8b03010105496e6e657201ff8c00010201044e616d65010c0001044e65787401ff8c00000015ff8d03010109737472756374\
    207b7d01ff8e00000010ff8f0501010454696d6501ff9000000016ff91010101065b325d696e7401ff920001040104000050ff860101010501\
    fe012c01fef4bf01017801010901020161016201020102000001000101016e0100000100010f010000000ee1ffddc800000005ffff02020002\
    0105506f696e74ff8005010a010c0000";
const SCALARS: [(&str, &str); 9] = [
    ("bool", "03020001"),
    ("int", "0304000e"),
    ("int", "0b0400f8ffffffffffffffff"),
    ("uint", "050600fe0100"),
    ("uint", "0306007f"),
    ("float", "060800fd803140"),
    ("string", "060c000368c3a9"),
    ("string", "030c0000"),
    ("bytes", "050a00020102"),
];

fn scalars() -> [Value; 9] {
    [
        Value::Bool(true),
        Value::Int(7),
        Value::Int(i64::MIN),
        Value::Uint(256),
        Value::Uint(127),
        Value::Float(17.5),
        string("hé"),
        string(""),
        Value::Bytes(vec![1, 2]),
    ]
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

fn string(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn record<const COUNT: usize>(fields: [(&str, Value); COUNT]) -> Value {
    Value::Struct(fields.map(|(name, value)| (name.to_owned(), value)).into())
}

fn schema() -> Schema {
    let fields = |fields: &[(&str, &str)]| {
        let owned = fields.iter().map(|(name, of)| ((*name).to_owned(), (*of).to_owned()));
        Type::Struct(owned.collect())
    };
    let all = [
        ("B", "bool"),
        ("I", "int"),
        ("U", "uint"),
        ("F", "float"),
        ("S", "string"),
        ("Raw", "bytes"),
        ("L", "[]string"),
        ("P", "[]Point"),
        ("M", "map"),
        ("N", "Inner"),
        ("T", "Time"),
    ];
    [
        ("Point", fields(&[("X", "int"), ("Y", "int")])),
        ("Inner", fields(&[("Name", "string"), ("Next", "Inner")])),
        ("[]string", Type::Slice("string".to_owned())),
        ("[]Point", Type::Slice("Point".to_owned())),
        ("map", Type::Map("string".to_owned(), "int".to_owned())),
        ("Time", Type::Binary),
        ("All", fields(&all)),
    ]
    .map(|(name, of)| (name.to_owned(), of))
    .into()
}

fn all() -> Value {
    record([
        ("B", Value::Bool(true)),
        ("I", Value::Int(-3)),
        ("U", Value::Uint(300)),
        ("F", Value::Float(-1.25)),
        ("S", string("x")),
        ("Raw", Value::Bytes(vec![9])),
        ("L", Value::Slice(vec![string("a"), string("b")])),
        ("P", Value::Slice(vec![record([("X", Value::Int(1))]), record([])])),
        ("M", Value::Map(vec![])),
        ("N", record([("Name", string("n")), ("Next", record([]))])),
        ("T", Value::Binary(bytes("010000000ee1ffddc800000005ffff"))),
    ])
}

/// All values of a stream that holds whole messages.
fn read(mut stream: &[u8]) -> Result<Vec<Value>, GobError> {
    let mut decoder = Decoder::default();
    let mut values = Vec::new();
    while let Some((taken, value)) = decoder.take(stream)? {
        stream = &stream[taken..];
        values.extend(value);
    }
    if stream.is_empty() {
        Ok(values)
    } else {
        Err(GobError::End)
    }
}

fn write(of: &str, value: &Value) -> Vec<u8> {
    Encoder::new(&schema()).value(of, value).unwrap()
}

#[test]
fn scalars_are_those_of_go() {
    for ((of, hex), value) in SCALARS.into_iter().zip(scalars()) {
        assert_eq!(write(of, &value), bytes(hex), "{value:?}");
        assert_eq!(read(&bytes(hex)).unwrap(), [value]);
    }
}

#[test]
fn structs_are_those_of_go() {
    let (one, two) = (
        record([("X", Value::Int(22)), ("Y", Value::Int(33))]),
        record([("X", Value::Int(0)), ("Y", Value::Int(-1))]),
    );
    assert_eq!(write("Point", &one), bytes(POINT));
    let schema = schema();
    let mut encoder = Encoder::new(&schema);
    let mut stream = encoder.value("Point", &one).unwrap();
    stream.extend(encoder.value("Point", &two).unwrap());
    assert_eq!(stream, bytes(TWICE), "the type is defined once");
    assert_eq!(read(&stream).unwrap(), [one, record([("Y", Value::Int(-1))])]);
}

#[test]
fn what_go_writes_is_read() {
    let strings = Value::Slice(vec![string("a"), string("")]);
    assert_eq!(read(&bytes(STRINGS)).unwrap(), [strings]);
    let map = Value::Map(vec![(string("a"), Value::Int(1))]);
    assert_eq!(read(&bytes(MAP)).unwrap(), [map]);
    let Value::Struct(mut fields) = all() else {
        panic!("a struct")
    };
    let array = Value::Slice(vec![Value::Int(0), Value::Int(1)]);
    fields.insert("A".to_owned(), array);
    fields.insert("E".to_owned(), record([]));
    let point = record([("X", Value::Int(5)), ("Y", Value::Int(6))]);
    let behind = Value::Interface(Some(Box::new(("Point".to_owned(), point))));
    fields.insert("G".to_owned(), behind);
    assert_eq!(read(&bytes(ALL)).unwrap(), [Value::Struct(fields)]);
}

#[test]
fn what_is_written_is_read() {
    assert_eq!(read(&write("All", &all())).unwrap(), [all()]);
    let map = Value::Map(vec![(string("a"), Value::Int(0)), (string(""), Value::Int(5))]);
    assert_eq!(read(&write("map", &map)).unwrap(), [map]);
    assert_eq!(
        read(&write("Time", &Value::Binary(vec![]))).unwrap(),
        [Value::Binary(vec![])]
    );
}

#[test]
fn interfaces_have_a_name() {
    let schema = schema();
    let mut encoder = Encoder::new(&schema);
    assert_eq!(encoder.interface(None).unwrap(), bytes("03100000"), "as in Go");
    let point = record([("X", Value::Int(5))]);
    let stream = encoder.interface(Some(("named", "Point", &point))).unwrap();
    let behind = Value::Interface(Some(Box::new(("named".to_owned(), point))));
    assert_eq!(read(&stream).unwrap(), [behind]);
    let stream = encoder.interface(Some(("text", "string", &string("a")))).unwrap();
    assert_eq!(stream, bytes("0c10000474657874 0c03000161".replace(' ', "").as_str()));
}

#[test]
fn a_value_of_another_type_is_named() {
    let inner = record([("Next", record([("Name", Value::Int(1))]))]);
    let error = Encoder::new(&schema())
        .value("All", &record([("N", inner)]))
        .unwrap_err();
    assert_eq!(error.to_string(), "N.Next.Name: a value of type string is needed");
    assert!(Encoder::new(&schema()).value("unknown", &record([])).is_err());
}

#[test]
fn what_has_not_arrived_is_waited_for() {
    let stream = bytes(TWICE);
    for size in 0..31 {
        assert_eq!(Decoder::default().take(&stream[..size]), Ok(None), "{size}");
    }
    assert_eq!(Decoder::default().take(&stream), Ok(Some((31, None))));
}

#[test]
fn broken_streams_are_refused() {
    for (hex, why) in [
        ("fc01000000", "a message is longer than 8 MiB"),
        ("f7010101010101010101", "a number has more than 8 bytes"),
        ("0304010e", "a value that is no struct has no zero before it"),
        ("0404000e0e", "a message is longer than its value"),
        ("04ff860100", "type 67 is not defined"),
        ("050c00ff8061", "it ends too early"),
        (
            "0c010301010550000000000000",
            "a definition has the number of a known type",
        ),
        ("047f000000", "a definition is of no kind that exists"),
        (
            "0610000161ff83",
            "an interface has a type that was not defined before it",
        ),
    ] {
        let error = read(&bytes(hex)).expect_err(hex);
        assert_eq!(error.to_string(), why, "{hex}");
    }
    let mut twice = bytes(POINT);
    twice.extend_from_within(..31);
    assert_eq!(read(&twice).unwrap_err().to_string(), "a type is defined twice");
}

#[test]
fn sizes_are_not_believed() {
    // A slice that says that it has 2^32 elements, and a slice of slices without end.
    let mut stream = bytes(STRINGS)[..13].to_vec();
    stream.extend(bytes("09ff8200fc7fffffff00"));
    assert_eq!(read(&stream), Err(GobError::End));
    let mut nested = bytes("0dff81020102ff820001ff820000");
    let mut value = bytes("ff8200");
    value.extend([1; 200]);
    nested.extend([0xff, 203]);
    nested.extend(value);
    assert_eq!(read(&nested).unwrap_err().to_string(), "values are nested too deeply");
    let mut many = bytes("0cff81020102ff820001020000");
    let count = u32::try_from((1 << 20) + 1).unwrap();
    let mut value = bytes("ff8200fc");
    value.extend(count.to_be_bytes());
    value.resize(value.len() + count as usize, 0);
    assert!(value.len() < MESSAGE);
    many.push(0xfc);
    many.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
    many.extend(value);
    assert_eq!(read(&many).unwrap_err().to_string(), "it has too many values");
}

#[test]
fn hostile_bytes_do_no_harm() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap()
    };
    let originals = [bytes(ALL), bytes(TWICE), bytes(MAP), write("All", &all())];
    let mut read_anyway = 0;
    for round in 0..60_000 {
        let mut stream = originals[round % originals.len()].clone();
        for _ in 0..=random() % 4 {
            let place = random() % stream.len();
            match random() % 3 {
                0 => stream[place] = u8::try_from(random() % 256).unwrap(),
                1 => stream[place] = [0, 1, 0x7f, 0x80, 0xf8, 0xff][random() % 6],
                _ => drop(stream.remove(place)),
            }
        }
        read_anyway += usize::from(read(&stream).is_ok());
    }
    assert!(
        read_anyway > 1000,
        "{read_anyway} of the changed streams were read: the changes are too wild"
    );
    for _ in 0..20_000 {
        let stream: Vec<u8> = (0..random() % 64)
            .map(|_| u8::try_from(random() % 256).unwrap())
            .collect();
        drop(read(&stream));
    }
}
