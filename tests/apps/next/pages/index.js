// The page: Next wants one.
export default function Page() {
  return <p>eco</p>;
}
