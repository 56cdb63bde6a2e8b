package moving

import "context"

// SmallPages makes a move carry so many rows at a time.
func (m *Move) SmallPages(rows int) { m.pageRows = rows }

// Copy is Run without its second half.
func (m *Move) Copy(ctx context.Context) error {
	if err := m.begin(ctx); err != nil {
		return err
	}
	for _, t := range m.tables {
		if err := m.copyTable(ctx, t); err != nil {
			return err
		}
	}
	return nil
}
