// The timeline: what workers and servers did, how many were busy, and the servers' memory. Drawn when it is seen.

const plots = {
  element: null,
  data: null,

  start() {
    this.element = find('#plot');
    if (!this.element) return;
    const seen = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      seen.disconnect();
      this.load().catch((error) => { this.element.replaceChildren(el('p', { class: 'note' }, `The plots could not be drawn: ${error.message}`)); });
    }, { rootMargin: '300px' });
    seen.observe(this.element);
  },

  async load() {
    const [library, data] = await Promise.all([unpackText('packed-plots'), unpack('packed-timeline')]);
    const own = find('script[nonce]');
    document.head.append(fill(document.createElement('script'), { nonce: own.nonce }, [library]));
    this.data = data;
    this.element.replaceChildren();
    await this.draw();
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
    this.element.on('plotly_relayout', (change) => {
      if ('xaxis.range[0]' in change) memory.set('range', [change['xaxis.range[0]'], change['xaxis.range[1]']]);
      else if ('xaxis.range' in change) memory.set('range', [...change['xaxis.range']]);
      else if ('xaxis.autorange' in change) memory.set('range', null);
      else return;
      this.draw();
    });
    this.element.dataset.drawn = 'yes';
  },

  colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  },

  async draw() {
    const narrow = this.element.clientWidth < 700;
    const range = memory.get('range', null) ?? [0, this.data.seconds || 1];
    const parts = this.parts(range);
    const room = narrow ? 86 : 54;
    const height = parts.reduce((sum, part) => sum + part.height + 26, room - 26);
    const layout = {
      height,
      margin: { l: narrow ? 44 : 64, r: 12, t: narrow ? 56 : 24, b: 30 },
      paper_bgcolor: 'rgba(0,0,0,0)',
      plot_bgcolor: this.colour('panel'),
      font: { color: this.colour('text'), family: 'system-ui, sans-serif', size: 12 },
      hoverlabel: { align: 'left', bgcolor: this.colour('back'), font: { color: this.colour('text') } },
      hovermode: 'closest',
      hoverdistance: 40,
      dragmode: narrow ? 'pan' : 'zoom',
      legend: { orientation: 'h', y: 1, yanchor: 'bottom', x: 1, xanchor: 'right', font: { size: 11 } },
      xaxis: { range: [...range], gridcolor: this.colour('line'), zeroline: false, ticksuffix: ' s', anchor: `y${parts.length > 1 ? parts.length : ''}` },
      annotations: [],
    };
    const traces = [];
    let top = 1;
    for (const [i, part] of parts.entries()) {
      const axis = i ? `y${i + 1}` : 'y';
      const bottom = top - part.height / (height - room);
      layout[`yaxis${i ? i + 1 : ''}`] = { gridcolor: this.colour('line'), zeroline: false, fixedrange: true, domain: [Math.max(0, bottom), top], ...part.axis };
      layout.annotations.push({ text: part.title, xref: 'paper', yref: 'paper', x: 0, y: top, yanchor: 'bottom', xanchor: 'left', showarrow: false, font: { size: 11, color: this.colour('dim') } });
      traces.push(...part.traces.map((trace) => ({ yaxis: axis, ...trace })));
      top = bottom - 26 / (height - room);
    }
    await window.Plotly.react(this.element, traces, layout, { responsive: true, displaylogo: false, displayModeBar: false, scrollZoom: false, doubleClick: 'autosize' });
  },

  parts(range) {
    const busy = this.busyParts(...range);
    const found = [this.workers(busy)];
    if (this.data.servers.length) found.push(this.servers());
    found.push(this.busy(busy));
    if (this.data.readings.memory.some(Boolean)) found.push(this.used());
    return found;
  },

  lanes(numbers, what, most) {
    const every = Math.ceil(numbers.length / 24) || 1;
    return {
      height: Math.max(24, Math.min(most, numbers.length * 18)),
      axis: {
        range: [numbers.length - 0.4, -0.6], tickvals: numbers.map((_, i) => i).filter((i) => i % every === 0),
        ticktext: numbers.filter((_, i) => i % every === 0).map((number) => `${what} ${number}`), showgrid: false,
      },
    };
  },

  // Bars as broken lines: a middle point, so that there is one to point at.
  segments(bars, lane) {
    const [x, y, text] = [[], [], []];
    for (const bar of bars) {
      x.push(bar.start, (bar.start + bar.end) / 2, bar.end, null);
      y.push(lane(bar), lane(bar), lane(bar), null);
      text.push(bar.text, bar.text, bar.text, '');
    }
    return { x, y, text };
  },

  // How busy each worker was in each of the equal parts of a range, 0 to 1, and what it mostly did there.
  busyParts(from, to) {
    const { work, units, workers } = this.data;
    const parts = Math.max(50, Math.min(800, Math.floor(this.element.clientWidth / 2)));
    const width = (to - from) / parts;
    const place = new Map(workers.map((worker, i) => [worker, i]));
    const share = workers.map(() => new Float64Array(parts));
    const most = workers.map(() => new Float64Array(parts));
    const longest = workers.map(() => new Int32Array(parts).fill(-1));
    for (let i = 0; i < work.worker.length; i += 1) {
      const start = work.start[i] / units;
      const end = start + work.length[i] / units;
      if (end < from || start > to) continue;
      const lane = place.get(work.worker[i]);
      const last = Math.min(parts - 1, Math.floor((end - from) / width));
      for (let part = Math.max(0, Math.floor((start - from) / width)); part <= last; part += 1) {
        const begin = from + part * width;
        const inside = Math.max(0, Math.min(end, begin + width) - Math.max(start, begin)) / width;
        share[lane][part] += inside;
        if (inside >= most[lane][part]) {
          most[lane][part] = inside;
          longest[lane][part] = i;
        }
      }
    }
    const words = (lane, part) => {
      const i = longest[lane][part];
      if (i < 0) return `worker ${workers[lane]}, idle`;
      const node = work.node[i] ? `, node ${work.node[i]}` : '';
      const what = `${this.escaped(this.data.claims[work.claim[i]])}${node}, ${this.data.kinds[work.kind[i]]}`;
      return `worker ${workers[lane]}, busy ${Math.round(100 * Math.min(1, share[lane][part]))} %<br>${what}, ${duration(work.length[i] / units)}`;
    };
    return {
      share,
      x: Array.from({ length: parts }, (_, part) => from + (part + 0.5) * width),
      // what is busy at all must be seen
      z: share.map((row) => Array.from(row, (value) => (value > 0 ? 0.2 + 0.8 * Math.min(1, value) : 0))),
      text: share.map((row, lane) => Array.from(row, (_, part) => words(lane, part))),
    };
  },

  workers({ x, z, text }) {
    const lanes = this.lanes(this.data.workers, '', 640);
    const { lost } = this.data;
    const place = new Map(this.data.workers.map((worker, i) => [worker, i]));
    const traces = [{
      type: 'heatmap', name: 'work', hoverinfo: 'text', showscale: false, zmin: 0, zmax: 1, ygap: 3,
      colorscale: [[0, this.colour('panel')], [1, this.colour('running')]],
      y: this.data.workers.map((_, i) => i), x, z, text,
    }];
    if (lost.time.length) {
      traces.push({
        type: 'scatter', mode: 'markers', name: 'work without a result', hoverinfo: 'text', marker: { symbol: 'x', size: 9, color: this.colour('failed') },
        x: lost.time, y: lost.worker.map((worker) => place.get(worker)), text: lost.text.map((text) => this.escaped(text)),
      });
    }
    return { title: 'workers', ...lanes, traces };
  },

  servers() {
    const { servers, seconds } = this.data;
    const lanes = this.lanes(servers.map((server) => server.number), '', 360);
    const width = Math.max(2, Math.min(9, (lanes.height / servers.length) * 0.55));
    const place = new Map(servers.map((server, i) => [server, i]));
    const named = (server) => `server ${server.number}, ${this.escaped(server.definition)}`;
    const starting = servers.map((server) => ({ server, start: server.launched, end: server.listening ?? server.ended ?? seconds, text: `${named(server)}<br>starting` }));
    const alive = servers.filter((server) => server.listening !== null).map((server) => ({ server, start: server.listening, end: server.ended ?? seconds, text: `${named(server)}<br>${duration(server.listening)} to ${duration(server.ended ?? seconds)}` }));
    const dead = servers.filter((server) => server.how === 'died');
    const lane = (bar) => place.get(bar.server);
    const line = (name, bars, colour) => ({ type: 'scatter', mode: 'lines', name, connectgaps: false, hoverinfo: 'text', line: { color: this.colour(colour), width, simplify: false }, ...this.segments(bars, lane) });
    return {
      title: 'servers', ...lanes,
      traces: [
        line('server starting', starting, 'pending'), line('server up', alive, 'passed'),
        { type: 'scatter', mode: 'markers', name: 'server died', hoverinfo: 'text', marker: { symbol: 'x', size: 9, color: this.colour('failed') },
          x: dead.map((server) => server.ended), y: dead.map((server) => place.get(server)), text: dead.map((server) => `${named(server)}<br>died: ${this.escaped(server.cause)}`), visible: dead.length ? true : 'legendonly', showlegend: dead.length > 0 },
      ],
    };
  },

  busy(parts) {
    const busy = parts.x.map((_, part) => parts.share.reduce((sum, row) => sum + Math.min(1, row[part]), 0));
    return {
      title: 'busy workers', height: 70, axis: { range: [0, Math.max(1, this.data.workers.length) * 1.05], nticks: 4 },
      traces: [{ type: 'scatter', mode: 'lines', name: 'busy workers', showlegend: false, line: { shape: 'hvh', width: 1.2, color: this.colour('running') }, fill: 'tozeroy', x: parts.x, y: busy, hovertemplate: '%{y:.1f} busy at %{x:.1f} s<extra></extra>' }],
    };
  },

  used() {
    const { time, memory: bytes } = this.data.readings;
    const most = Math.max(...bytes);
    const [unit, name] = most >= 2 ** 30 ? [2 ** 30, 'GiB'] : [2 ** 20, 'MiB'];
    return {
      title: "servers' memory", height: 70, axis: { rangemode: 'tozero', range: [0, (most / unit) * 1.05], nticks: 4, ticksuffix: ` ${name}` },
      traces: [{ type: 'scatter', mode: 'lines', name: 'memory', showlegend: false, line: { width: 1.2, color: this.colour('bounded') }, fill: 'tozeroy', x: time, y: bytes.map((value) => value / unit), hovertemplate: `%{y:.1f} ${name} at %{x:.1f} s<extra></extra>` }],
    };
  },

  // The plot library reads some tags in its texts; what comes from a user is to be read as it is.
  escaped(text) {
    return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  },
};
