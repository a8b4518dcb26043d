using Microsoft.ML.OnnxRuntime;

namespace MiniOneRec.Encoders.Onnx;

/// <summary>The transformer of a sentence encoder, and the pooling behind it.</summary>
internal sealed class SentenceModel : IDisposable
{
    private static readonly string[] KnownInputs = ["input_ids", "attention_mask", "token_type_ids"];

    private readonly InferenceSession _session;
    private readonly string[] _inputs;
    private readonly string _output;

    public SentenceModel(string path, int threads)
        : this(settings => new InferenceSession(path, settings), $"'{path}'", threads)
    {
    }

    public SentenceModel(byte[] model, string source, int threads)
        : this(settings => new InferenceSession(model ?? throw new ArgumentNullException(nameof(model)), settings), source, threads)
    {
    }

    private SentenceModel(Func<SessionOptions, InferenceSession> open, string source, int threads)
    {
        using var settings = new SessionOptions { IntraOpNumThreads = threads };
        try
        {
            _session = open(settings);
        }
        catch (OnnxRuntimeException e)
        {
            throw new InvalidDataException($"The ONNX model {source} cannot be opened: {e.Message}", e);
        }

        _inputs = [.. _session.InputMetadata.Keys];
        string[] unknown = [.. _inputs.Except(KnownInputs, StringComparer.Ordinal)];
        var states = _session.OutputMetadata.Where(output => output.Value.Dimensions is [_, _, > 0]
            && output.Value.ElementType == typeof(float)).ToArray();
        if (unknown.Length > 0 || !_inputs.Contains(KnownInputs[0]) || states.Length == 0)
        {
            string shapes =
                string.Join(", ", _session.OutputMetadata.Select(output => $"{output.Key} [{string.Join(", ", output.Value.Dimensions)}]"));
            _session.Dispose();
            throw new InvalidDataException(
                $"The ONNX model {source} takes [{string.Join(", ", _inputs)}] and gives [{shapes}]; expected input_ids, "
                + "attention_mask and at most token_type_ids, "
                + "and a float output of shape [batch, tokens, width].");
        }

        (_output, Width) = (states[0].Key, states[0].Value.Dimensions[2]);
    }

    /// <summary>Gets E, the width of the vectors.</summary>
    public int Width { get; }

    /// <summary>Encodes a batch.</summary>
    /// <param name="tokens">B rows of token ids, each at least one.</param>
    /// <param name="padding">The id that fills shorter rows.</param>
    /// <param name="pooling">The pooling.</param>
    /// <param name="normalise">Whether vectors are scaled to unit length.</param>
    /// <param name="cancellationToken">Stops the model between its operators.</param>
    public float[][] Encode(int[][] tokens, int padding, TextPooling pooling, bool normalise, CancellationToken cancellationToken)
    {
        int length = tokens.Max(row => row.Length);
        long[] shape = [tokens.Length, length];
        long[] ids = new long[tokens.Length * length], mask = new long[ids.Length];
        Array.Fill(ids, padding);
        for (int b = 0; b < tokens.Length; b++)
        {
            for (int t = 0; t < tokens[b].Length; t++)
            {
                (ids[b * length + t], mask[b * length + t]) = (tokens[b][t], 1);
            }
        }

        using var values = new Disposables([.. _inputs.Select(name => OrtValue.CreateTensorValueFromMemory(
            name switch { "input_ids" => ids, "attention_mask" => mask, _ => new long[ids.Length] }, shape))]);
        using var run = new RunOptions();
        using var stop = cancellationToken.Register(() => run.Terminate = true);
        try
        {
            using var outputs = _session.Run(run, _inputs, values.Items, [_output]);
            var states = outputs[0].GetTensorDataAsSpan<float>();                           // [B, T, E]
            float[][] result = new float[tokens.Length][];
            for (int b = 0; b < result.Length; b++)
            {
                result[b] = Pool(states.Slice(b * length * Width, tokens[b].Length * Width), pooling);
                if (normalise)
                {
                    Scale(result[b]);
                }
            }

            return result;
        }
        catch (OnnxRuntimeException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
    }

    /// <summary>Frees the session.</summary>
    public void Dispose() => _session.Dispose();

    private float[] Pool(ReadOnlySpan<float> states, TextPooling pooling)
    {
        int tokens = states.Length / Width;
        if (pooling != TextPooling.Mean)
        {
            return states.Slice(pooling == TextPooling.Cls ? 0 : (tokens - 1) * Width, Width).ToArray();
        }

        double[] sum = new double[Width];
        for (int i = 0; i < states.Length; i++)
        {
            sum[i % Width] += states[i];
        }

        return Array.ConvertAll(sum, value => (float)(value / tokens));
    }

    private static void Scale(float[] vector)
    {
        double length = Math.Sqrt(vector.Sum(value => (double)value * value));
        for (int i = 0; i < vector.Length && length > 0; i++)
        {
            vector[i] = (float)(vector[i] / length);
        }
    }

    private sealed class Disposables(OrtValue[] items) : IDisposable
    {
        public OrtValue[] Items => items;

        public void Dispose()
        {
            foreach (var item in items)
            {
                item.Dispose();
            }
        }
    }
}
