// Two unlabelled players; who was who is told at the end.
{
  const section = document.getElementById("blind");
  const start = document.getElementById("blind-start");
  const trial = document.getElementById("blind-trial");
  const result = document.getElementById("blind-result");
  const [left, right] = trial.querySelectorAll("audio");
  const by = (a, b) => a + " against " + b;
  const shuffled = (list) => {
    const all = [...list];
    for (let k = all.length - 1; k > 0; k--) {
      const other = Math.floor(Math.random() * (k + 1));
      [all[k], all[other]] = [all[other], all[k]];
    }
    return all;
  };

  const pairs = [];
  cards.forEach((a, k) => cards.slice(k + 1).forEach((b) => {
    const same = a.dataset.speech === b.dataset.speech && a.dataset.place === b.dataset.place;
    if (same && a.dataset.place !== "-1") pairs.push([a, b]);
  }));
  const names = [...new Set(pairs.map(([a, b]) => by(a.dataset.name, b.dataset.name)))];
  start.pair.append(...[["", "any two"], ...names.map((name) => [name, name])].map(
    ([value, text]) => new Option(text, value)));
  section.hidden = !pairs.length;

  let trials = [], choices = [];
  const next = () => {
    const [a, b] = trials[choices.length];
    [left.src, right.src] = [a, b].map((card) => card.querySelector("audio").src);
    const progress = document.getElementById("blind-progress");
    progress.textContent = "Trial " + (choices.length + 1) + " of " + trials.length;
    progress.focus();
  };
  start.addEventListener("submit", (event) => {
    event.preventDefault();
    const wanted = pairs.filter(([a, b]) =>
      (!start.pair.value || start.pair.value === by(a.dataset.name, b.dataset.name)) &&
      (!start.place.value || start.place.value === a.dataset.place));
    if (!wanted.length) return;
    trials = [];
    while (trials.length < +start.trials.value) trials.push(...shuffled(wanted));
    trials = trials.slice(0, +start.trials.value).map(shuffled);
    choices = [];
    result.hidden = true;
    trial.hidden = false;
    next();
  });

  const choose = (choice) => {
    if (trial.hidden) return;
    choices.push(choice);
    if (choices.length < trials.length) return next();
    [left, right].forEach((audio) => audio.pause());
    trial.hidden = true;
    reveal();
  };
  trial.addEventListener("click", (event) => {
    if (event.target.dataset.choice) choose(event.target.dataset.choice);
  });
  document.addEventListener("keydown", (event) => {
    if (trial.hidden || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("select, textarea, input")) return;
    const key = event.key.toLowerCase();
    if ("abn".includes(key)) choose(key);
    else if (key === "1" || key === "2") {
      const audio = key === "1" ? left : right;
      if (audio.paused) audio.play();
      else audio.pause();
    } else return;
    event.preventDefault();
  });

  // The probability that a coin shows one side at least so often, either side.
  const chance = (wins, of) => {
    const most = Math.max(wins, of - wins);
    let term = 0.5 ** of, sum = 0;
    for (let k = 0; k <= of; k++) {
      if (k >= most) sum += term;
      term *= (of - k) / (k + 1);
    }
    return Math.min(1, 2 * sum);
  };

  const reveal = () => {
    const tally = new Map();
    trials.forEach(([a, b], k) => {
      const sides = [a.dataset.name, b.dataset.name].sort();
      const key = sides.join("\n");
      if (!tally.has(key)) tally.set(key, { sides, wins: [0, 0], none: 0 });
      const entry = tally.get(key);
      if (choices[k] === "n") entry.none++;
      else entry.wins[sides.indexOf((choices[k] === "a" ? a : b).dataset.name)]++;
    });
    const rows = [], words = [];
    tally.forEach(({ sides, wins, none }) => {
      rows.push([sides[0], sides[1], wins[0]], [sides[1], sides[0], wins[1]]);
      if (none) rows.push(["no difference", by(...sides), none]);
      const sure = wins[0] + wins[1];
      if (sure) {
        words.push(by(...sides) + ": " + wins.join(" to ") + "; guessing alone is that far apart in "
          + (100 * chance(wins[0], sure)).toFixed(0) + " % of tests.");
      }
    });
    result.querySelector("tbody").replaceChildren(...rows.map((cells) => {
      const row = document.createElement("tr");
      cells.forEach((cell, k) => {
        const field = document.createElement("td");
        field.textContent = cell;
        if (k === 2) field.className = "n";
        row.append(field);
      });
      return row;
    }));
    document.getElementById("blind-chance").textContent = words.join(" ");
    const lines = trials.map(([a, b], k) => {
      const said = choices[k] === "n" ? "no difference" : (choices[k] === "a" ? a : b).dataset.name;
      const place = start.place.options[+a.dataset.place + 1].text;
      return (k + 1) + ". " + a.dataset.speech + ", " + place + ": " + by(a.dataset.name, b.dataset.name)
        + ": " + said;
    });
    document.getElementById("blind-text").value = [
      "Blind test, " + trials.length + " trials: " + document.querySelector("h1").textContent,
      ...rows.map(([one, other, times]) => times + " x " + one + " (" + other + ")"),
      ...words, "", ...lines,
    ].join("\n");
    result.hidden = false;
    result.querySelector("h3").focus();
  };

  document.getElementById("blind-copy").addEventListener("click", async () => {
    const text = document.getElementById("blind-text");
    const said = document.getElementById("blind-copied");
    text.select();
    try {
      await navigator.clipboard.writeText(text.value);
      said.textContent = "Copied.";
    } catch {
      said.textContent = document.execCommand("copy") ? "Copied." : "Selected: copy it by hand.";
    }
  });
}
