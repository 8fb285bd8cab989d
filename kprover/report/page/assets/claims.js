// The table of claims: sorting and filtering its rows.

const claims = {
  rows: [],
  sorted: { key: 'state', down: false },

  start() {
    const body = find('#table tbody');
    const keys = findAll('#table thead button').map((button) => button.dataset.sort);
    this.rows = [...body.rows].map((row) => ({
      row,
      state: row.dataset.state,
      suite: row.dataset.suite,
      number: Number(row.dataset.number),
      text: `${row.dataset.name} ${row.cells[1].textContent}`.toLowerCase(),
      values: Object.fromEntries(keys.map((key, i) => [key, this.value(row, key, i)])),
    }));
    this.sorted = memory.get('sorted', this.sorted);
    this.chosen = new Set(memory.get('states', []));
    const input = find('#filter');
    input.value = memory.get('filter', '');
    input.addEventListener('input', () => this.filter());
    const suite = find('#suite');
    if (suite) {
      suite.value = memory.get('suite', '');
      suite.addEventListener('change', () => this.filter());
    }
    for (const chip of findAll('.chip')) {
      chip.addEventListener('click', () => {
        const { state } = chip.dataset;
        if (!this.chosen.delete(state)) this.chosen.add(state);
        this.filter();
      });
    }
    for (const button of findAll('#table thead button')) {
      button.addEventListener('click', () => this.sort(button.dataset.sort));
    }
    if (this.sorted.key !== 'state' || this.sorted.down) this.place();
    this.filter();
  },

  value(row, key, column) {
    if (key === 'state') return Number(row.dataset.order);
    if (key === 'claim') return row.dataset.name;
    return Number(row.cells[column].dataset.v ?? row.cells[column].textContent);
  },

  sort(key) {
    // Numbers are of interest from the greatest down; names and states from the first on.
    const first = key !== 'state' && key !== 'claim';
    this.sorted = { key, down: this.sorted.key === key ? !this.sorted.down : first };
    memory.set('sorted', this.sorted);
    this.place();
  },

  place() {
    const { key, down } = this.sorted;
    const compare = (a, b) => {
      const [x, y] = [a.values[key], b.values[key]];
      const order = typeof x === 'string' ? x.localeCompare(y, 'en', { numeric: true }) : x - y;
      return (down ? -order : order) || a.number - b.number;
    };
    this.rows.sort(compare);
    find('#table tbody').append(...this.rows.map((entry) => entry.row));
    for (const button of findAll('#table thead button')) {
      const head = button.closest('th');
      if (button.dataset.sort === key) head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      else head.removeAttribute('aria-sort');
    }
  },

  filter() {
    const words = find('#filter').value.toLowerCase().split(/\s+/).filter(Boolean);
    const suite = find('#suite')?.value ?? '';
    memory.set('filter', find('#filter').value);
    memory.set('suite', suite);
    memory.set('states', [...this.chosen]);
    let shown = 0;
    for (const entry of this.rows) {
      const fits =
        (!this.chosen.size || this.chosen.has(entry.state)) &&
        (!suite || entry.suite === suite) &&
        words.every((word) => entry.text.includes(word));
      entry.row.hidden = !fits;
      shown += fits;
    }
    for (const chip of findAll('.chip')) chip.setAttribute('aria-pressed', this.chosen.has(chip.dataset.state));
    const all = this.rows.length;
    find('#shown').textContent = shown === all ? counted(all, 'claim') : `${shown} of ${counted(all, 'claim')}`;
  },

  // The row of a claim, and of its neighbours as the table stands.
  row(name) {
    return this.rows.find((entry) => entry.row.dataset.name === name)?.row ?? null;
  },
  neighbours(name) {
    const shown = this.rows.filter((entry) => !entry.row.hidden).map((entry) => entry.row.dataset.name);
    const here = shown.indexOf(name);
    return here < 0 ? [null, null] : [shown[here - 1] ?? null, shown[here + 1] ?? null];
  },
};
