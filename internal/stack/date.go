package stack

import (
	"encoding/json"
	"fmt"
	"time"
)

// datePattern is what the schema demands of a date.
const datePattern = `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`

// DateOf is the day of a time, in UTC.
func DateOf(t time.Time) Date {
	year, month, day := t.UTC().Date()
	return Date{Year: year, Month: month, Day: day}
}

// ParseDate reads a date as 2027-03-31.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("%q is not a date: write it like 2027-03-31", clip(s))
	}
	return DateOf(t), nil
}

// String writes the date as 2027-03-31.
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// After says whether the date is later than another.
func (d Date) After(other Date) bool { return d.start().After(other.start()) }

func (d Date) start() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// MarshalJSON writes it as text.
func (d Date) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalJSON reads it from text.
func (d *Date) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("a date is text such as 2027-03-31, not %s", data)
	}
	parsed, err := ParseDate(s)
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}
