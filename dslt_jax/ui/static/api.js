// What the page asks of the server. The token is part of the page's address.

const token = location.hash.slice(1);

export class Refused extends Error {}

export async function get(path, query = {}) {
  const answer = await fetch(address(path, query), { headers: { "X-Token": token } });
  return (await checked(answer)).json();
}

export async function post(path, body = {}) {
  const headers = { "X-Token": token, "Content-Type": "application/json" };
  const answer = await fetch(address(path), { method: "POST", headers, body: JSON.stringify(body) });
  await checked(answer);
}

export async function put(path, body) {
  await checked(await fetch(address(path), { method: "PUT", headers: { "X-Token": token }, body }));
}

// A frame's number, its picture and its size; without a number, the newest of a camera.
export async function frame(number) {
  const query = number === null ? {} : { frame: number };
  const answer = await checked(await fetch(address("frame", query), { headers: { "X-Token": token } }));
  const size = answer.headers.get("X-Size").split(" ").map(Number);
  const picture = await createImageBitmap(await answer.blob());
  return { number: Number(answer.headers.get("X-Frame")), picture, size };
}

export function fileAddress(name) {
  return address("file", { name, token });
}

// Sends a file; `progress` is told how much of it is there, from 0 to 1.
export function upload(file, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const failed = () => reject(new Refused("the upload broke off: the server ended it, or is not there"));
    request.open("PUT", address("upload", { name: file.name }));
    request.setRequestHeader("X-Token", token);
    request.responseType = "json";
    request.upload.onprogress = (event) => progress(event.loaded / event.total);
    request.onload = () =>
      request.status === 200 ? resolve(request.response) : reject(new Refused(request.response?.error ?? "refused"));
    request.onerror = failed;
    request.onabort = failed;
    request.send(file);
  });
}

// Relative, so that it works behind a proxy that puts something in front.
function address(path, query = {}) {
  const text = new URLSearchParams(query).toString();
  return `api/${path}${text ? `?${text}` : ""}`;
}

async function checked(answer) {
  if (answer.ok) return answer;
  const content = await answer.json().catch(() => ({}));
  throw new Refused(content.error ?? `the server answers ${answer.status}`);
}
