//! Tests: folding and keys by tables, pages against a model.

mod folding;
mod generated;
mod keys;
mod memory;
mod merges;
mod model;
mod pages;
mod paging;
mod queries;
mod texts;
