// Times of the same steps over an art table and over an ordinary one, in turn, behind a round that is not counted,
// since node compiles what is run often.
//
//   beside(title, steps, open)
//
// steps: for each name a function that does it with what open(kind, round) has made, and says how often. Prints us for
// each time: the median of 5 rounds.
const rounds = 5;
const kinds = ['art', 'ordinary'];

async function beside(title, steps, open) {
  const times = Object.fromEntries(Object.keys(steps).map((name) => [name, { art: [], ordinary: [] }]));
  for (let round = 0; round <= rounds; round++) {
    for (const kind of round % 2 ? kinds : kinds.toReversed()) {
      const opened = await open(kind, round);
      for (const [name, step] of Object.entries(steps)) {
        const start = process.hrtime.bigint();
        const count = await step(opened);
        const took = Number(process.hrtime.bigint() - start) / 1000;
        if (round > 0) times[name][kind].push(took / count);
      }
    }
  }
  const median = (list) => list.sort((a, b) => a - b)[rounds >> 1];
  const line = (name, ...columns) => console.log(name.padEnd(32), ...columns.map((column) => column.padStart(9)));
  console.log(`${title}; WAL, synchronous=NORMAL; us, median of ${rounds} rounds`);
  line('', 'art', 'ordinary', 'ratio');
  for (const [name, { art, ordinary }] of Object.entries(times)) {
    const [a, o] = [median(art), median(ordinary)];
    line(name, a.toFixed(2), o.toFixed(2), (a / o).toFixed(2));
  }
}

module.exports = { beside };
