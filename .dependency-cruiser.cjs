// Imports go down the storeys of src/storeys.json, types included, and never in a circle.
const { readFileSync } = require('node:fs');
const { join } = require('node:path');

/** @type {{ storeys: { name: string, rooms: string[] }[] }} */
const { storeys } = JSON.parse(readFileSync(join(__dirname, 'src', 'storeys.json'), 'utf8'));

// Groups from the ground up; the rooms of one group know nothing of each other.
const groups = storeys.flatMap(({ name, rooms }) =>
  rooms.map((group) => group.split('|').map((room) => join('src', name, room.trim()))),
);
const all = groups.flat();

/** Files of a room: not those of the rooms that stand inside its folder. */
function filesOf(room) {
  const inner = all.filter((other) => other.startsWith(`${room}/`));
  const without = inner.map((other) => `(?!${other.slice(room.length + 1)}/)`).join('');
  return `^${room}/${without}`;
}

const down = groups.flatMap((group, level) =>
  group.map((room) => ({
    name: `only-down-from-${room.slice(4)}`,
    comment: 'Imports go down only (src/storeys.json): move the type down, or make a room between.',
    severity: 'error',
    from: { path: filesOf(room) },
    to: {
      path: groups
        .slice(level)
        .flat()
        .filter((other) => other !== room)
        .map(filesOf),
    },
  })),
);

module.exports = {
  forbidden: [
    ...down.filter(({ to }) => to.path.length > 0),
    {
      name: 'every-file-has-a-room',
      comment: 'Files of src lie in a room of src/storeys.json.',
      severity: 'error',
      from: { path: '^src/', pathNot: all.map(filesOf) },
      to: {},
    },
    { name: 'no-circle', severity: 'error', from: { path: '^src/' }, to: { circular: true } },
    {
      name: 'not-of-tests',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node'] },
  },
};
