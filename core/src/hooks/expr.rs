//! The words in which rules are written down: places in an object, numbers, texts and tests.
//!
//! They are few on purpose. Each must mean the same to Rust (`eval`) and to both Lua machines into whose language the
//! `serin-lua` crate translates them, for every object that JSON can say: a key that is missing, null, or of another type
//! than expected is simply not there, and nothing fails.

/// Keys from an object downwards.
pub type Keys = &'static [&'static str];

/// Where something stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// Below the object.
    Object(Keys),
    /// Below the element that is looked at, inside [`Test::Any`] and [`Text::OfFirst`].
    Item(Keys),
    /// Below one element of a list.
    Element {
        /// The list, below the object.
        list: Keys,
        /// Number of the element, from 0.
        number: Number,
        /// Keys below the element.
        keys: Keys,
    },
}

/// A number, or none.
#[derive(Clone, Debug, PartialEq)]
pub enum Number {
    /// This one.
    Literal(u32),
    /// The number at a place; where there is none, this one.
    Or(Box<Place>, u32),
    /// A whole number, written as number or as its plain decimal digits; none where there is something else.
    Whole(Box<Place>),
    /// How many elements a list has; 0 where there is no list.
    Count(Keys),
    /// The number after the first one as long as that is less than the second one; else the first one.
    Next(Box<Number>, Box<Number>),
}

/// A text that is not empty, or none.
#[derive(Clone, Debug, PartialEq)]
pub enum Text {
    /// This one (the only one that may be empty).
    Literal(String),
    /// The text at a place.
    At(Place),
    /// The text or whole number at a place.
    Written(Place),
    /// The first of these that there is.
    FirstOf(Vec<Text>),
    /// These one after the other; none where one of them is none.
    Join(Vec<Text>),
    /// A text that has a name of its own in the generated Lua.
    Named(&'static str, Box<Text>),
    /// This one where the test holds; none elsewhere. Stands in [`Text::FirstOf`] only.
    When(Box<Test>, Box<Text>),
    /// Of the first element of a list for which the test holds, the text at these keys.
    OfFirst {
        /// The list, below the object.
        list: Keys,
        /// Looks at [`Place::Item`].
        holds: Box<Test>,
        /// Keys below the element.
        text: Keys,
    },
}

/// What holds or does not.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// Always.
    Always,
    /// The value is there.
    Present(Place),
    /// The value is `true`.
    True(Place),
    /// The value is this text.
    Is(Place, &'static str),
    /// Both values are the same text, number or boolean, or neither is there.
    Same(Place, Place),
    /// Both texts are the same, or there is neither.
    SameText(Text, Text),
    /// Both numbers are there and the first one is less.
    Less(Number, Number),
    /// Both numbers are there and equal, or neither is there.
    Equal(Number, Number),
    /// There is such a text.
    Some(Text),
    /// There is such a number.
    Known(Number),
    /// The test holds for an element of the list.
    Any(Keys, Box<Test>),
    /// A test that has a name of its own in the generated Lua; one that looks at [`Place::Item`] stands directly below
    /// [`Test::Any`] or [`Text::OfFirst`].
    Named(&'static str, Box<Test>),
    /// All of them hold.
    All(Vec<Test>),
    /// One of them holds.
    Either(Vec<Test>),
    /// It does not hold.
    Not(Box<Test>),
}

impl Place {
    /// Below the object.
    #[must_use]
    pub fn at(keys: Keys) -> Self {
        Self::Object(keys)
    }
}

impl Number {
    /// The number at keys below the object, or this one.
    #[must_use]
    pub fn or(keys: Keys, default: u32) -> Self {
        Self::Or(Box::new(Place::Object(keys)), default)
    }

    /// The whole number at keys below the object.
    #[must_use]
    pub fn whole(keys: Keys) -> Self {
        Self::Whole(Box::new(Place::Object(keys)))
    }
}

impl Text {
    /// These words.
    #[must_use]
    pub fn words(words: &str) -> Self {
        Self::Literal(words.to_owned())
    }

    /// The text at keys below the object.
    #[must_use]
    pub fn at(keys: Keys) -> Self {
        Self::At(Place::Object(keys))
    }

    /// This text, under a name.
    #[must_use]
    pub fn named(self, name: &'static str) -> Self {
        Self::Named(name, Box::new(self))
    }
}

impl Test {
    /// The value at keys below the object is there.
    #[must_use]
    pub fn present(keys: Keys) -> Self {
        Self::Present(Place::Object(keys))
    }

    /// The value at keys below the object is `true`.
    #[must_use]
    pub fn is_true(keys: Keys) -> Self {
        Self::True(Place::Object(keys))
    }

    /// The value at keys below the object is this text.
    #[must_use]
    pub fn is(keys: Keys, text: &'static str) -> Self {
        Self::Is(Place::Object(keys), text)
    }

    /// This test, under a name.
    #[must_use]
    pub fn named(self, name: &'static str) -> Self {
        Self::Named(name, Box::new(self))
    }

    /// The list at keys below the object has elements.
    #[must_use]
    pub fn not_empty(keys: Keys) -> Self {
        Self::Less(Number::Literal(0), Number::Count(keys))
    }
}

impl std::ops::Not for Test {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::Not(test) => *test,
            test @ (Self::Always
            | Self::Present(_)
            | Self::True(_)
            | Self::Is(..)
            | Self::Same(..)
            | Self::SameText(..)
            | Self::Less(..)
            | Self::Equal(..)
            | Self::Some(_)
            | Self::Known(_)
            | Self::Any(..)
            | Self::Named(..)
            | Self::All(_)
            | Self::Either(_)) => Self::Not(Box::new(test)),
        }
    }
}
