package export_frontgate_plugin_crm

import (
	"fmt"
	"regexp"

	log "wit_component/frontgate_plugin_log"
	types "wit_component/frontgate_plugin_plugin_types"

	wit "go.bytecodealliance.org/pkg/wit/types"
)

// A plus and seven to fifteen digits, the first of which is not zero.
var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// A contact is a contact of the CRM. Unknown values are null.
type contact struct {
	ID        *string `json:"id"`
	Name      *string `json:"name"`
	Company   *string `json:"company"`
	Email     *string `json:"email"`
	Owner     *string `json:"owner"`
	Phones    []phone `json:"phones"`
	AvatarURL *string `json:"avatar_url"`
	Notes     *string `json:"notes"`
	URL       *string `json:"url"`
}

type phone struct {
	Number   *string `json:"number"`
	Whatsapp *bool   `json:"whatsapp"`
}

// isWhole returns whether all fields of the CRM's API description exist.
func (c contact) isWhole() bool {
	for _, phone := range c.Phones {
		if phone.Number == nil || phone.Whatsapp == nil {
			return false
		}
	}
	return c.ID != nil && c.Phones != nil
}

// Some contacts are companies, without a person.
func (c contact) shownName() string {
	for _, name := range []*string{c.Name, c.Company} {
		if name != nil {
			return *name
		}
	}
	return *c.ID
}

// Converts to a row of the list.
func (c contact) summary() types.CustomerSummary {
	return types.CustomerSummary{CustomerId: *c.ID, DisplayName: c.shownName(), Avatar: maybe(c.AvatarURL)}
}

// Converts to a customer with all details.
func (c contact) customer() types.Customer {
	customer := types.Customer{
		CustomerId:  *c.ID,
		DisplayName: c.shownName(),
		Avatar:      maybe(c.AvatarURL),
		Channels:    channels(c.Phones),
		Details:     wit.None[types.Details](),
		Worker:      maybe(c.Owner),
	}
	if c.URL != nil {
		link := types.Link{Kind: "CRM", Value: *c.URL, DisplayName: "Open in the CRM"}
		customer.Links = append(customer.Links, link)
	}
	if c.Email != nil {
		link := types.Link{Kind: "Mail", Value: "mailto:" + *c.Email, DisplayName: *c.Email}
		customer.Links = append(customer.Links, link)
	}
	if c.Notes != nil {
		customer.Details = wit.Some(types.Details{Title: "Notes", Content: *c.Notes})
	}
	return customer
}

func channels(phones []phone) []types.ContactChannel {
	var all []types.ContactChannel
	odd := 0
	for _, phone := range phones {
		number := *phone.Number
		if !e164.MatchString(number) {
			odd++
			continue
		}
		all = append(all, types.ContactChannel{Kind: "sms", Value: number})
		if *phone.Whatsapp {
			all = append(all, types.ContactChannel{Kind: "whatsapp", Value: "whatsapp:" + number})
		}
	}
	if odd > 0 {
		log.Write(log.Level_Warn, fmt.Sprint("omitted phone numbers that are not in E.164: ", odd))
	}
	return all
}
