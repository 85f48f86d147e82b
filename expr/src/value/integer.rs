//! Go's integers.

/// Which integer type of Go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum IntegerKind {
    /// `int`, with 64 bits.
    Int,
    /// `int8`.
    Int8,
    /// `int16`.
    Int16,
    /// `int32`.
    Int32,
    /// `int64`.
    Int64,
    /// `uint`, with 64 bits.
    Uint,
    /// `uint8`.
    Uint8,
    /// `uint16`.
    Uint16,
    /// `uint32`.
    Uint32,
    /// `uint64`.
    Uint64,
}

impl IntegerKind {
    /// Its name in Go.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Uint => "uint",
            Self::Uint8 => "uint8",
            Self::Uint16 => "uint16",
            Self::Uint32 => "uint32",
            Self::Uint64 => "uint64",
        }
    }

    /// Whether it has no negative numbers.
    #[must_use]
    pub fn is_unsigned(self) -> bool {
        match self {
            Self::Int | Self::Int8 | Self::Int16 | Self::Int32 | Self::Int64 => false,
            Self::Uint | Self::Uint8 | Self::Uint16 | Self::Uint32 | Self::Uint64 => true,
        }
    }
}

/// An integer with its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Integer {
    /// Its type.
    pub kind: IntegerKind,
    /// Its 64 bits: those of an `i64`, or of a `u64` where the type is unsigned. What a conversion to `int` gives.
    pub bits: i64,
}

impl Integer {
    /// `int`.
    #[must_use]
    pub fn int(number: i64) -> Self {
        Self::of(IntegerKind::Int, number)
    }

    /// A signed integer that fits its type.
    #[must_use]
    pub fn of(kind: IntegerKind, bits: i64) -> Self {
        Self { kind, bits }
    }

    /// An unsigned integer that fits its type.
    #[must_use]
    pub fn of_unsigned(kind: IntegerKind, number: u64) -> Self {
        Self {
            kind,
            bits: number.cast_signed(),
        }
    }

    /// Its number.
    #[must_use]
    pub fn number(self) -> i128 {
        if self.kind.is_unsigned() {
            i128::from(self.bits.cast_unsigned())
        } else {
            i128::from(self.bits)
        }
    }

    /// The nearest `float64`.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "so does Go's conversion")]
    pub fn float(self) -> f64 {
        if self.kind.is_unsigned() {
            self.bits.cast_unsigned() as f64
        } else {
            self.bits as f64
        }
    }
}

impl Integer {
    /// With the other sign; it wraps around within its type.
    #[must_use]
    pub(crate) fn negated(self) -> Self {
        let bits = self.bits.wrapping_neg();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "Go wraps around")]
        let bits = match self.kind {
            IntegerKind::Int | IntegerKind::Int64 | IntegerKind::Uint | IntegerKind::Uint64 => bits,
            IntegerKind::Int8 => i64::from(bits as i8),
            IntegerKind::Int16 => i64::from(bits as i16),
            IntegerKind::Int32 => i64::from(bits as i32),
            IntegerKind::Uint8 => i64::from(bits as u8),
            IntegerKind::Uint16 => i64::from(bits as u16),
            IntegerKind::Uint32 => i64::from(bits as u32),
        };
        Self { kind: self.kind, bits }
    }
}
