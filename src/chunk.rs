//! What has come on a stream, read without a buffer that would be kept while nothing comes.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

/// How much is read at once: what one TLS record holds, and far more than a plain program sends.
pub const CHUNK_BYTES: usize = 16 * 1024;

/// Waits for bytes and adds what has come; 0 is the end of the stream. It can be given up and begun again without losing a
/// byte, and whoever waits with an empty vector waits in a few bytes of memory.
pub async fn read_onto(
    stream: &mut (impl AsyncRead + Unpin),
    bytes: &mut Vec<u8>,
) -> io::Result<usize> {
    poll_fn(|context| {
        let mut chunk = [const { MaybeUninit::uninit() }; CHUNK_BYTES];
        let mut chunk = ReadBuf::uninit(&mut chunk);
        ready!(Pin::new(&mut *stream).poll_read(context, &mut chunk))?;
        bytes.extend_from_slice(chunk.filled());
        Poll::Ready(Ok(chunk.filled().len()))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_waits_holds_no_buffer_and_what_comes_is_added() {
        let mut stream = &b"two"[..];
        let mut bytes = b"one ".to_vec();
        assert!(size_of_val(&read_onto(&mut stream, &mut bytes)) < 128);
        assert_eq!(read_onto(&mut stream, &mut bytes).await.unwrap(), 3);
        assert_eq!(bytes, b"one two");
        assert_eq!(read_onto(&mut stream, &mut bytes).await.unwrap(), 0);
    }
}
