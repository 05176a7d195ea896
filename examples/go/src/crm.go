// Package export_frontgate_plugin_crm answers with customers from a CRM over HTTP. A worker sees the contacts that
// the CRM says are theirs. The bindings want the package to have this name.
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

// The CRM's pages are smaller than the app's. However large a page is asked for, this many of the CRM's are enough;
// the next call goes on from there.
const pagesMax = 10

// Anything else might lead to another place of the API.
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
			return crm.CustomerPage{}, failure{types.MakeErrorInvalid("the CRM searches for 200 characters at most")}
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
	// The CRM shows every contact to whoever has the token, so that the plugin has to look.
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

// A failure is one of the contract's errors, on its way through Go.
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
