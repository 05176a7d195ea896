//! Tests of memory.

use super::generated;

#[test]
fn a_customer_and_audience_takes_at_most_130_bytes() {
    let index = generated::index(100_000);
    let bytes = index.memory_bytes() / index.len();
    assert!((90..=130).contains(&bytes), "{bytes} bytes");
}

#[test]
fn searched_texts_are_as_long_as_measured_ones() {
    let customers = generated::customers(20_000);
    let bytes = customers.iter().map(|customer| customer.text.len()).sum::<usize>() / customers.len();
    assert!((65..=85).contains(&bytes), "{bytes} bytes");
}
