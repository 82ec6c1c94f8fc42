// A SoapySDR driver whose device is a file: what is received is read from it, what is sent is
// written to it. The flowgraphs for radios run on it as on hardware, SoapySDR and gr-soapy included.
//
//   driver=recording,rx=FILE,tx=FILE,told=FILE
//
// FILE holds complex float32 samples. What it was told to be set to goes into the last one, a line
// each. When the recording has ended there is silence, and the process gets a Ctrl-C.

#include <SoapySDR/Device.hpp>
#include <SoapySDR/Formats.hpp>
#include <SoapySDR/Registry.hpp>

#include <complex>
#include <csignal>
#include <fstream>
#include <stdexcept>

#include <unistd.h>

namespace {

using Sample = std::complex<float>;

class Recording : public SoapySDR::Device
{
public:
    explicit Recording(const SoapySDR::Kwargs &args)
        : told_(named(args, "told")), received_(named(args, "rx"), std::ios::binary),
          sent_(named(args, "tx"), std::ios::binary)
    {
        if (args.count("absent"))
            throw std::runtime_error("device is not there");
    }

    std::string getDriverKey() const override { return "recording"; }
    std::string getHardwareKey() const override { return "recording"; }
    size_t getNumChannels(const int) const override { return 1; }
    bool getFullDuplex(const int, const size_t) const override { return true; }

    std::vector<std::string> getStreamFormats(const int, const size_t) const override
    {
        return {SOAPY_SDR_CF32};
    }

    std::string getNativeStreamFormat(const int, const size_t, double &fullScale) const override
    {
        fullScale = 1;
        return SOAPY_SDR_CF32;
    }

    SoapySDR::Stream *setupStream(const int direction,
                                  const std::string &format,
                                  const std::vector<size_t> &,
                                  const SoapySDR::Kwargs &) override
    {
        if (format != SOAPY_SDR_CF32)
            throw std::runtime_error("format must be CF32, not " + format);
        return reinterpret_cast<SoapySDR::Stream *>(direction == SOAPY_SDR_TX ? &sent_ : nullptr);
    }

    size_t getStreamMTU(SoapySDR::Stream *) const override { return 4096; }

    int readStream(SoapySDR::Stream *,
                   void *const *buffers,
                   const size_t count,
                   int &flags,
                   long long &,
                   const long) override
    {
        flags = 0;
        auto *out = static_cast<Sample *>(buffers[0]);
        received_.read(reinterpret_cast<char *>(out), count * sizeof(Sample));
        const auto got = static_cast<size_t>(received_.gcount()) / sizeof(Sample);
        if (got)
            return static_cast<int>(got);
        std::fill(out, out + count, Sample(0));
        silence_ += count;
        // What is still in the buffers of the flowgraph, of which each may hold a second, must have
        // come through when it is ended.
        if (!ended_ && silence_ > 20 * rate_)
        {
            ended_ = true;
            kill(getpid(), SIGINT); // not raise: GNU Radio's threads take no signals
        }
        return static_cast<int>(count);
    }

    int writeStream(SoapySDR::Stream *,
                    const void *const *buffers,
                    const size_t count,
                    int &,
                    const long long,
                    const long) override
    {
        sent_.write(static_cast<const char *>(buffers[0]), count * sizeof(Sample));
        return static_cast<int>(count);
    }

    int deactivateStream(SoapySDR::Stream *, const int, const long long) override
    {
        sent_.flush();
        return 0;
    }

    std::vector<std::string> listAntennas(const int, const size_t) const override
    {
        return {"A", "B"};
    }

    void setAntenna(const int, const size_t, const std::string &name) override
    {
        told_ << "antenna " << name << std::endl;
    }

    std::vector<std::string> listGains(const int, const size_t) const override
    {
        return {"LNA", "VGA"};
    }

    bool hasGainMode(const int, const size_t) const override { return true; }

    void setGainMode(const int, const size_t, const bool automatic) override
    {
        told_ << "automatic " << automatic << std::endl;
    }

    void setGain(const int, const size_t, const double value) override
    {
        told_ << "gain " << value << std::endl;
    }

    void setGain(const int, const size_t, const std::string &name, const double value) override
    {
        told_ << "gain " << name << " " << value << std::endl;
    }

    SoapySDR::Range getGainRange(const int, const size_t) const override { return {0, 60}; }

    SoapySDR::Range getGainRange(const int, const size_t, const std::string &) const override
    {
        return {0, 40};
    }

    void setFrequency(const int,
                      const size_t,
                      const double frequency,
                      const SoapySDR::Kwargs &) override
    {
        told_.precision(12);
        told_ << "frequency " << frequency << std::endl;
    }

    SoapySDR::RangeList getFrequencyRange(const int, const size_t) const override
    {
        return {{1e6, 6e9}};
    }

    void setSampleRate(const int, const size_t, const double rate) override
    {
        told_ << "rate " << rate << std::endl;
        rate_ = rate;
    }

    double getSampleRate(const int, const size_t) const override { return rate_; }

    SoapySDR::RangeList getSampleRateRange(const int, const size_t) const override
    {
        // As of an RTL-SDR.
        return {{225001, 300000}, {900001, 3200000}};
    }

private:
    static std::string named(const SoapySDR::Kwargs &args, const std::string &name)
    {
        const auto found = args.find(name);
        return found == args.end() ? "/dev/null" : found->second;
    }

    std::ofstream told_;
    std::ifstream received_;
    std::ofstream sent_;
    double rate_ = 1e6;
    double silence_ = 0;
    bool ended_ = false;
};

SoapySDR::KwargsList find(const SoapySDR::Kwargs &args)
{
    const auto driver = args.find("driver");
    if (driver == args.end() || driver->second != "recording")
        return {};
    return {args};
}

SoapySDR::Device *make(const SoapySDR::Kwargs &args)
{
    return new Recording(args);
}

SoapySDR::Registry registration("recording", &find, &make, SOAPY_SDR_ABI_VERSION);

} // namespace
