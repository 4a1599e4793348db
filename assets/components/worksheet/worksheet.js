// The browser's own print dialogue; what it prints is decided by print.css.
export default function worksheet({ parentElement }) {
  parentElement.querySelector("button").onclick = () => window.print();
}
