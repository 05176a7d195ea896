// Package export_frontgate_plugin_crm is the role `crm`: customers, as the Frontline app shows them, and their
// addresses. The generator defines the names of packages.
package export_frontgate_plugin_crm

import (
	"strings"

	. "go.bytecodealliance.org/pkg/wit/types"
	"wit_component/customers"
	. "wit_component/frontgate_plugin_crm"
	types "wit_component/frontgate_plugin_plugin_types"
)

func ListCustomers(request ListRequest) Result[CustomerPage, Error] {
	query := strings.ToLower(request.Query.SomeOr(""))
	found := []Customer{}
	for _, customer := range customers.VisibleTo(request.Worker) {
		if strings.Contains(strings.ToLower(customer.DisplayName), query) {
			found = append(found, customer)
		}
	}

	// A token is the id of the last customer on the previous page, so `after` and `token` work alike. An unknown id gives
	// an empty page: returning the first page again would make the list endless.
	switch request.Position.Tag() {
	case Position_After:
		found = behind(found, request.Position.After())
	case Position_Token:
		found = behind(found, request.Position.Token())
	}

	page := CustomerPage{NextPageToken: None[string]()}
	for _, customer := range found {
		if uint32(len(page.Customers)) == request.PageSize {
			page.NextPageToken = Some(page.Customers[len(page.Customers)-1].CustomerId)
			break
		}
		page.Customers = append(page.Customers, CustomerSummary{
			CustomerId:  customer.CustomerId,
			DisplayName: customer.DisplayName,
			Avatar:      customer.Avatar,
		})
	}
	return Ok[CustomerPage, Error](page)
}

func behind(found []Customer, id string) []Customer {
	for place, customer := range found {
		if customer.CustomerId == id {
			return found[place+1:]
		}
	}
	return nil
}

func GetCustomer(worker string, customerId string) Result[Customer, Error] {
	customer, known := customers.Find(worker, customerId)
	if !known {
		return Err[Customer](types.MakeErrorNotFound())
	}
	return Ok[Customer, Error](customer)
}

func FindCustomer(address string) Result[Option[Customer], Error] {
	customer, known := customers.ByAddress(address)
	if !known {
		return Ok[Option[Customer], Error](None[Customer]())
	}
	return Ok[Option[Customer], Error](Some(customer))
}
