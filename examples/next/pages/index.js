// The page: made for each request, it says who made it.
export default function Page({ pid }) {
  return <p>{pid}</p>;
}

export function getServerSideProps() {
  return { props: { pid: process.pid } };
}
