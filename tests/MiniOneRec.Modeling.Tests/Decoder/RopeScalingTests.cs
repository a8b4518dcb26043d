namespace MiniOneRec.Modeling.Tests;

public sealed class RopeScalingTests
{
    private static readonly RopeScaling Rule = new(8, 1, 4, 8_192);

    [Theory]
    [InlineData(100.0, 1.0)]                                        // short waves stay
    [InlineData(2_047.0, 1.0)]
    [InlineData(8_193.0, 1.0 / 8)]                                  // long waves are divided
    [InlineData(1e6, 1.0 / 8)]
    [InlineData(4_096.0, 1.0 / 3 + 2.0 / 3 / 8)]                    // between: (8192/4096 − 1) / (4 − 1) = 1/3 of the way
    public void Apply_FollowsTheWavelength(double wavelength, double ratio)
    {
        double frequency = 2 * Math.PI / wavelength;

        Assert.Equal(ratio, Rule.Apply(frequency) / frequency, 1e-12);
    }

    [Fact]
    public void Config_Llama3Rule_IsReadAndWritten()
    {
        const string Json = """
            {"model_type":"llama","vocab_size":100,"hidden_size":64,"intermediate_size":128,"num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2,
             "rope_theta":500000.0,"rope_scaling":{"rope_type":"llama3","factor":32.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":8192}}
            """;

        var config = DecoderConfig.FromJson(Json);

        Assert.Equal(new RopeScaling(32, 1, 4, 8_192), config.RopeScaling);
        var again = DecoderConfig.FromJson(config.ToJson().ToJsonString());
        Assert.Equal((config.RopeScaling, config.RopeTheta), (again.RopeScaling, again.RopeTheta));
        var error =
            Assert.Throws<InvalidDataException>(() => DecoderConfig.FromJson(Json.Replace("llama3", "yarn", StringComparison.Ordinal)));
        Assert.Contains("'yarn'", error.Message, StringComparison.Ordinal);
    }
}
