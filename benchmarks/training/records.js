// Object literals, spread, destructuring, and the array methods that take a function.
const people = Array.from({ length: 200 }, (_, i) => ({
  id: i,
  name: "n" + ((i * 7919) % 1000),
  age: 18 + ((i * 31) % 60),
  team: "abcdefgh"[i % 8],
  address: { city: i % 3 ? "Here" : "There", zip: 1000 + i },
}));
function groupBy(items, key) {
  return items.reduce((groups, item) => {
    (groups[item[key]] ??= []).push(item);
    return groups;
  }, {});
}
function run() {
  const adults = people.filter(({ age }) => age >= 30).map((person) => ({ ...person, label: `${person.name}/${person.team}` }));
  const teams = groupBy(adults, "team");
  let sum = 0;
  for (const [team, members] of Object.entries(teams)) {
    const { length } = members;
    const [first, second, ...rest] = members;
    sum += length + first.age + (second?.age ?? 0) + rest.length + team.charCodeAt(0);
  }
  const byAge = [...adults].sort((a, b) => a.age - b.age || a.name.localeCompare(b.name));
  sum += byAge[3].id + byAge.findIndex(({ id }) => id === 77) + byAge.at(-1).age;
  sum += people.flatMap(({ id, age }) => [id, age]).slice(10, 50).concat([1, 2]).lastIndexOf(2);
  sum += people.some((p) => p.age === 99) + people.every((p) => p.id >= 0) + (people.find((p) => p.zip === 3)?.id ?? 1);
  const merged = Object.assign({}, ...people.slice(0, 40).map(({ name, id }) => ({ [name]: id })));
  for (const key in merged) if (Object.hasOwn(merged, key)) sum += merged[key];
  const moved = people.map(({ address: { city, zip }, ...other }) => ({ other, where: city + zip }));
  delete moved[4].other.name;
  sum += Object.keys(moved[4].other).length + Object.values(moved[5].other).length;
  const matrix = Array.from({ length: 20 }, (_, i) => Array.from({ length: 20 }, (_, j) => i * j));
  const turned = matrix[0].map((_, column) => matrix.map((row) => row[column]));
  sum += turned.flat().reduce((a, b) => a + b, 0);
  const queue = [];
  for (let i = 0; i < 300; i++) {
    queue.push(i);
    if (i % 3 === 0) queue.unshift(queue.pop());
    if (queue.length > 50) queue.splice(10, 5, i);
  }
  const frozen = Object.freeze({ ...merged, sum });
  return sum + queue.shift() + queue.indexOf(297) + queue.reverse().join("").length + Object.isFrozen(frozen);
}
