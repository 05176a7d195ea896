// Package export_frontgate_plugin_crm returns customers from a CRM over HTTP. Workers see the contacts that they own in
// the CRM. The bindings require this package name.
package export_frontgate_plugin_crm

import (
	"errors"
	"regexp"
	"strings"
	"unicode/utf8"

	wit "go.bytecodealliance.org/pkg/wit/types"
	crm "wit_component/frontgate_plugin_crm"
	types "wit_component/frontgate_plugin_plugin_types"
)

// The CRM's pages are smaller than the app's. A call reads at most this many of them; the next call continues there.
const pagesMax = 10

// Other ids could lead to another path of the API.
var contactID = regexp.MustCompile(`^[A-Za-z0-9-]{1,40}$`)

func ListCustomers(request crm.ListRequest) wit.Result[crm.CustomerPage, types.Error] {
	return result(listCustomers(request))
}

func GetCustomer(worker string, customerID string) wit.Result[types.Customer, types.Error] {
	return result(getCustomer(worker, customerID))
}

func FindCustomer(address string) wit.Result[wit.Option[types.Customer], types.Error] {
	return result(findCustomer(address))
}

func listCustomers(request crm.ListRequest) (crm.CustomerPage, error) {
	asked := query{owner: request.Worker}
	if request.Query.IsSome() {
		if utf8.RuneCountInString(request.Query.Some()) > queryMax {
			return crm.CustomerPage{}, failure{types.MakeErrorInvalid("the CRM accepts at most 200 characters")}
		}
		asked.q = new(request.Query.Some())
	}
	switch request.Position.Tag() {
	case crm.Position_After:
		asked.after = new(request.Position.After())
	case crm.Position_Token:
		asked.cursor = new(request.Position.Token())
	}
	customers, pageSize := []types.CustomerSummary{}, int(request.PageSize)
	for pages := 0; pages < pagesMax && len(customers) < pageSize; pages++ {
		asked.limit = min(pageSize-len(customers), limitMax)
		page, err := readContacts(asked.String())
		if err != nil {
			return crm.CustomerPage{}, err
		}
		for _, contact := range page.Contacts {
			customers = append(customers, contact.summary())
		}
		asked.cursor, asked.after = page.NextCursor, nil
		if page.NextCursor == nil {
			break
		}
	}
	return crm.CustomerPage{Customers: customers, NextPageToken: maybe(asked.cursor)}, nil
}

func getCustomer(worker, customerID string) (types.Customer, error) {
	if !contactID.MatchString(customerID) {
		return types.Customer{}, failure{types.MakeErrorNotFound()}
	}
	contact, err := readContact(customerID)
	if err != nil {
		return types.Customer{}, err
	}
	// The CRM returns every contact, so the plugin must check the owner.
	if contact.Owner == nil || *contact.Owner != worker {
		return types.Customer{}, failure{types.MakeErrorNotFound()}
	}
	return contact.customer(), nil
}

func findCustomer(address string) (wit.Option[types.Customer], error) {
	nobody := wit.None[types.Customer]()
	number := strings.TrimPrefix(address, "whatsapp:")
	if !e164.MatchString(number) {
		return nobody, nil
	}
	page, err := readContacts("phone=" + escape(number) + "&limit=1")
	if err != nil || len(page.Contacts) == 0 {
		return nobody, err
	}
	return wit.Some(page.Contacts[0].customer()), nil
}

// A failure wraps an error of the contract as a Go error.
type failure struct{ cause types.Error }

func (f failure) Error() string { return "an error of the contract" }

func failed(words string) error      { return failure{types.MakeErrorFailed(words)} }
func unavailable(words string) error { return failure{types.MakeErrorUnavailable(words)} }

func result[T any](value T, err error) wit.Result[T, types.Error] {
	if err == nil {
		return wit.Ok[T, types.Error](value)
	}
	var known failure
	if errors.As(err, &known) {
		return wit.Err[T](known.cause)
	}
	return wit.Err[T](types.MakeErrorFailed(err.Error()))
}

func maybe(text *string) wit.Option[string] {
	if text == nil {
		return wit.None[string]()
	}
	return wit.Some(*text)
}
