//! What holds whatever bytes arrive: the same properties that the ordinary tests run.

#[path = "../../tests/fuzz/properties.rs"]
pub mod properties;
