package wire

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"mailsyncd.example/crm"
)

// The document lists the types that there are, and those that a webhook may ask
// for.
func TestEventTypesAreDocumented(t *testing.T) {
	field, _ := reflect.TypeFor[Event]().FieldByName("Type")
	documented := strings.Split(field.Tag.Get("enum"), ",")
	var there []string
	for _, e := range crm.EventTypes() {
		there = append(there, string(e))
	}
	slices.Sort(documented)
	slices.Sort(there)
	if !slices.Equal(documented, there) {
		t.Errorf("documented: %v\nthere: %v", documented, there)
	}
}
