//! Role `crm`: customers, as the Frontline app shows them, and their addresses.

use frontgate_sdk::{Crm, Customer, CustomerPage, Error, ListRequest, Position, Result};

use crate::{Plugin, customers};

impl Crm for Plugin {
    fn list_customers(request: ListRequest) -> Result<CustomerPage> {
        let mut found = customers::visible_to(&request.worker);
        if let Some(query) = request.query {
            let query = query.to_lowercase();
            found.retain(|customer| customer.display_name.to_lowercase().contains(&query));
        }
        // A token is the id of the last customer on the previous page, so `after` and `token` work alike. An unknown id
        // gives an empty page: returning the first page again would make the list endless.
        let start = match request.position {
            Position::First => 0,
            Position::After(id) | Position::Token(id) => {
                found.iter().position(|customer| customer.customer_id == id).map_or(found.len(), |last| last + 1)
            }
        };
        let rest = found.split_off(start);
        let more = rest.len() > request.page_size as usize;
        let page = CustomerPage::last(rest.into_iter().take(request.page_size as usize));
        match page.customers.last().map(|last| last.customer_id.clone()).filter(|_| more) {
            Some(last) => Ok(page.then(last)),
            None => Ok(page),
        }
    }

    fn get_customer(worker: &str, customer_id: &str) -> Result<Customer> {
        customers::find(worker, customer_id).ok_or(Error::NotFound)
    }

    fn find_customer(address: &str) -> Result<Option<Customer>> {
        Ok(customers::by_address(address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(position: Position, query: Option<&str>) -> CustomerPage {
        let (worker, query) = ("ana@example.org".to_owned(), query.map(str::to_owned));
        Plugin::list_customers(ListRequest { worker, page_size: 3, position, query }).expect("the page is listed")
    }

    #[test]
    fn pages_have_no_gaps_or_repeats() {
        let first = list(Position::First, None);
        let token = first.next_page_token.expect("the first page has a token");
        let second = list(Position::Token(token), None);
        let ids: Vec<_> = first.customers.iter().chain(&second.customers).map(|c| &c.customer_id).collect();
        assert_eq!(ids, ["c-001", "c-002", "c-004", "c-005"]);
        assert_eq!(second.next_page_token, None);
    }

    #[test]
    fn an_unknown_position_gives_an_empty_page() {
        assert!(list(Position::After("nobody".to_owned()), None).customers.is_empty());
    }

    #[test]
    fn a_search_ignores_case() {
        assert_eq!(list(Position::First, Some("LIND")).customers.len(), 1);
    }

    #[test]
    fn a_worker_does_not_see_another_workers_customers() {
        assert_eq!(Plugin::get_customer("ana@example.org", "c-003"), Err(Error::NotFound));
    }
}
