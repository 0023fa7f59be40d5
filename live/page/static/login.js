// The form that sends the token once; the browser then holds a cookie instead.

const form = document.getElementById("form");
const field = document.getElementById("token");
const error = document.getElementById("error");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  error.textContent = "";
  try {
    const answer = await fetch("/login", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token: field.value }),
    });
    if (answer.ok) {
      location.replace("/");
      return;
    }
    error.textContent = (await answer.json()).error;
  } catch {
    error.textContent = "The program cannot be reached.";
  }
  field.select();
});
