// One recording over one channel at a time, and one player at a time.
const cards = [...document.querySelectorAll(".card")];
{
  const pick = document.getElementById("pick");
  const show = () => {
    cards.forEach((card) => {
      const there = card.dataset.place === "-1" || card.dataset.place === pick.place.value;
      card.hidden = !(there && card.dataset.speech === pick.speech.value);
    });
  };
  pick.hidden = false;
  pick.addEventListener("change", show);
  pick.addEventListener("submit", (event) => event.preventDefault());
  show();
  document.addEventListener("play", (event) => {
    document.querySelectorAll("audio").forEach((other) => other !== event.target && other.pause());
  }, true);
}
