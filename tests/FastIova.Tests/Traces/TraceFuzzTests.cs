using Xunit;

namespace FastIova.Tests;

/// <summary>Damaged files: every one is either read or refused with <see cref="TraceFormatException"/>.</summary>
public sealed class TraceFuzzTests
{
    private const int Cases = 4000;

    [Theory]
    [InlineData("plain", 1)]
    [InlineData("gzip", 2)]
    [InlineData("xz", 3)]
    public void DamageToTheFileIsReadOrRefused(string container, int seed)
    {
        byte[] image = Pack(container, TraceImage.Of(TraceImage.Small));
        int refused = Sweep(seed, random => Damaged(random, image));

        // The containers have check sums; in a plain file some bits of an address may be anything.
        Assert.InRange(refused, string.Equals(container, "plain", StringComparison.Ordinal) ? Cases / 2 : Cases * 9 / 10, Cases);
    }

    [Theory]
    [InlineData("gzip", 4)]
    [InlineData("xz", 5)]
    public void DamageBeforeThePackingIsReadOrRefused(string container, int seed)
    {
        byte[] image = TraceImage.Of(TraceImage.Small);
        int refused = Sweep(seed, random => Pack(container, Damaged(random, image)));
        Assert.InRange(refused, Cases / 2, Cases - 1);
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("gzip")]
    [InlineData("xz")]
    public void EveryTruncationIsRefused(string container)
    {
        byte[] image = Pack(container, TraceImage.Of(TraceImage.Small));
        for (int length = 0; length < image.Length; length++)
        {
            byte[] cut = image[..length];
            Assert.True(IsRefused(cut, $"{length} bytes of {container}"), $"{length} of {image.Length} bytes of {container} were taken for a trace");
        }
    }

    private static int Sweep(int seed, Func<Random, byte[]> make)
    {
        var random = new Random(seed);
        int refused = 0;
        for (int i = 0; i < Cases; i++)
        {
            refused += IsRefused(make(random), $"seed {seed}, case {i}") ? 1 : 0;
        }

        return refused;
    }

    private static bool IsRefused(byte[] image, string which)
    {
        try
        {
            TraceImage.Read(image);
            return false;
        }
        catch (TraceFormatException)
        {
            return true;
        }
        catch (Exception e)
        {
            Assert.Fail($"{which}: {e}");
            throw;
        }
    }

    private static byte[] Pack(string container, byte[] plain) => container switch
    {
        "gzip" => TraceImage.Gzip(plain),
        "xz" => TraceImage.Xz(plain),
        _ => plain,
    };

    private static byte[] Damaged(Random random, byte[] image)
    {
        byte[] bytes = [.. image];
        switch (random.Next(5))
        {
            case 0:
                return bytes[..random.Next(bytes.Length)];
            case 1:
                byte[] tail = new byte[random.Next(1, 100)];
                random.NextBytes(tail);
                return [.. bytes, .. tail];
            case 2:
                int from = random.Next(bytes.Length);
                random.NextBytes(bytes.AsSpan(from, random.Next(1, int.Min(32, bytes.Length - from) + 1)));
                return bytes;
            case 3:
                int at = random.Next(bytes.Length);
                return [.. bytes[..at], .. bytes[random.Next(bytes.Length)..]];
            default:
                for (int flips = random.Next(1, 4); flips > 0; flips--)
                {
                    bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                }

                return bytes;
        }
    }
}
